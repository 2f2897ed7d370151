// Command gotemplate executes templates and expands regular expressions as Go does, for the fuzz run to compare with.
// It reads a JSON object per line and writes one.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// queryData is what prometheus-adapter gives to the template of a query.
type queryData struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	GroupBy           string
	GroupBySlice      []string
}

type question struct {
	// Template is executed over Data; Pattern is matched with Subject, and As expanded.
	Template string
	Data     *queryData
	Pattern  string
	Subject  string
	As       string
}

type answer struct {
	Output  string `json:"output"`
	Failure string `json:"failure,omitempty"`
	// Matched and Groups are of a pattern.
	Matched bool `json:"matched"`
	Groups  int  `json:"groups"`
}

func answerTo(asked question) answer {
	if asked.Data == nil {
		pattern, err := regexp.Compile(asked.Pattern)
		if err != nil {
			return answer{Failure: err.Error()}
		}
		match := pattern.FindStringSubmatchIndex(asked.Subject)
		if match == nil {
			return answer{Groups: pattern.NumSubexp()}
		}
		expanded := pattern.ExpandString(nil, asked.As, asked.Subject, match)
		return answer{Output: string(expanded), Matched: true, Groups: pattern.NumSubexp()}
	}
	asked.Data.GroupBySlice = slices.Clip(asked.Data.GroupBySlice)
	parsed, err := template.New("query").Delims("<<", ">>").Parse(asked.Template)
	if err != nil {
		return answer{Failure: err.Error()}
	}
	var output bytes.Buffer
	if err := parsed.Execute(&output, *asked.Data); err != nil {
		return answer{Failure: err.Error()}
	}
	return answer{Output: strings.ToValidUTF8(output.String(), "\ufffd")}
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			output.Encode(answer{Failure: "question: " + err.Error()})
			continue
		}
		output.Encode(answerTo(asked))
	}
}
