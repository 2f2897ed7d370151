// Decodes a text exposition as metrics-server does the answer of a kubelet, with the same parser and the same maps, as often as requested, and reports the CPU
// time that it took: each line of its input is a number of times, each line of its output microseconds of user and system time. The exposition is a file, which
// is read once, or at a URL, where it is fetched each time as Go's clients do: over a connection that stays, compressed where the server can.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	bring := bringFile
	if strings.HasPrefix(os.Args[1], "https://") {
		bring = bringURL
	}
	body := bring(os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		times, err := strconv.Atoi(lines.Text())
		if err != nil {
			log.Fatal(err)
		}
		before := usedMicroseconds()
		for range times {
			if err := decode(body()); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(usedMicroseconds() - before)
	}
}

func bringFile(name string) func() []byte {
	body, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return func() []byte { return body }
}

func bringURL(url string) func() []byte {
	// The server is on this machine, and its certificate is self-signed.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	return func() []byte {
		response, err := client.Get(url)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		return body
	}
}

// All threads of the process, so that the garbage collector's are among them.
func usedMicroseconds() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}

type podRef struct{ namespace, name string }

type point struct {
	startTime         time.Time
	timestamp         time.Time
	cumulativeCPUUsed uint64
	memoryUsage       uint64
}

var (
	cpuName       = []byte("container_cpu_usage_seconds_total")
	memoryName    = []byte("container_memory_working_set_bytes")
	startTimeName = []byte("container_start_time_seconds")
)

func decode(body []byte) error {
	parser, err := textparse.New(body, "text/plain", nil, textparse.ParserOptions{})
	if err != nil {
		return err
	}
	pods := make(map[podRef]map[string]point)
	for {
		entry, err := parser.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		series, timestamp, value := parser.Series()
		switch {
		case hasName(series, cpuName):
			update(pods, series[len(cpuName):], func(p *point) {
				p.cumulativeCPUUsed = uint64(value * 1e9)
				p.timestamp = timeOf(timestamp)
			})
		case hasName(series, memoryName):
			update(pods, series[len(memoryName):], func(p *point) {
				p.memoryUsage = uint64(value)
				p.timestamp = timeOf(timestamp)
			})
		case hasName(series, startTimeName):
			update(pods, series[len(startTimeName):], func(p *point) {
				p.startTime = time.Unix(0, int64(value*1e9))
			})
		}
	}
	return complete(pods)
}

func hasName(series, name []byte) bool {
	return bytes.HasPrefix(series, name) && (len(series) == len(name) || series[len(name)] == '{')
}

func timeOf(milliseconds *int64) time.Time {
	if milliseconds == nil {
		return time.Now()
	}
	return time.Unix(0, *milliseconds*1e6)
}

func update(pods map[podRef]map[string]point, labels []byte, change func(*point)) {
	ref := podRef{valueOf(labels, `namespace="`), valueOf(labels, `pod="`)}
	// Rows of the machine and its slices are of no pod; metrics-server never meets them.
	if ref.name == "" {
		return
	}
	containers, found := pods[ref]
	if !found {
		containers = make(map[string]point)
		pods[ref] = containers
	}
	container := valueOf(labels, `container="`)
	p := containers[container]
	change(&p)
	containers[container] = p
}

func valueOf(labels []byte, tag string) string {
	at := bytes.Index(labels, []byte(tag))
	if at < 0 {
		return ""
	}
	at += len(tag)
	return string(labels[at : at+bytes.IndexByte(labels[at:], '"')])
}

// What metrics-server copies out at the end. A body without a container is not what was meant to be measured.
func complete(pods map[podRef]map[string]point) error {
	result := make(map[podRef]map[string]point, len(pods))
	for ref, containers := range pods {
		whole := make(map[string]point, len(containers))
		for name, p := range containers {
			if p.cumulativeCPUUsed != 0 && p.memoryUsage != 0 {
				whole[name] = p
			}
		}
		result[ref] = whole
	}
	if len(result) == 0 {
		return fmt.Errorf("there is no pod in the body")
	}
	return nil
}
