// Prints as JSON what the metrics clientset reads by protobuf alone: nodes and pods, listed and by name, and why it cannot watch them.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"
	metricsv1 "k8s.io/metrics/pkg/apis/metrics/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/clientset/versioned"
)

// The interfaces of one resource, which are generated for each type and each version.
type resource[Object, List runtime.Object] interface {
	Get(context.Context, string, metav1.GetOptions) (Object, error)
	List(context.Context, metav1.ListOptions) (List, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

func main() {
	kubeconfig, version, node, namespace, pod := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	check(err)
	// Without JSON beside it: what is not protobuf would be an error.
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf
	clients, err := versioned.NewForConfig(config)
	check(err)
	answers := map[string]any{}
	switch version {
	case "v1":
		read(answers, "node", clients.MetricsV1().NodeMetricses(), node)
		read(answers, "pod", clients.MetricsV1().PodMetricses(namespace), pod)
		readPast(answers, "node", clients.MetricsV1().RESTClient(), "", node, &metricsv1.NodeMetricsList{})
		readPast(answers, "pod", clients.MetricsV1().RESTClient(), namespace, pod, &metricsv1.PodMetricsList{})
	case "v1beta1":
		read(answers, "node", clients.MetricsV1beta1().NodeMetricses(), node)
		read(answers, "pod", clients.MetricsV1beta1().PodMetricses(namespace), pod)
		readPast(answers, "node", clients.MetricsV1beta1().RESTClient(), "", node, &metricsv1beta1.NodeMetricsList{})
		readPast(answers, "pod", clients.MetricsV1beta1().RESTClient(), namespace, pod, &metricsv1beta1.PodMetricsList{})
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"clientset": answers}))
}

func read[Object, List runtime.Object](answers map[string]any, kind string, of resource[Object, List], name string) {
	var err error
	answers[kind], err = of.Get(context.Background(), name, metav1.GetOptions{})
	check(err)
	answers[kind+"s"], err = of.List(context.Background(), metav1.ListOptions{})
	check(err)
	answers[kind+"sPaged"] = readPages(of)
	_, err = of.Watch(context.Background(), metav1.ListOptions{})
	answers[kind+"Watch"] = errors.ReasonForError(err)
}

// One item of an answer each, with the pager that kubectl and informers use.
func readPages[Object, List runtime.Object](of resource[Object, List]) any {
	names, pages := []string{}, 0
	list := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		pages++
		return of.List(ctx, options)
	})
	list.PageSize = 1
	check(list.EachListItem(context.Background(), metav1.ListOptions{}, func(object runtime.Object) error {
		accessor, err := meta.Accessor(object)
		names = append(names, accessor.GetName())
		return err
	}))
	whole, err := of.List(context.Background(), metav1.ListOptions{})
	check(err)
	return map[string]any{"names": names, "pages": pages, "count": meta.LenList(whole)}
}

func readPast(answers map[string]any, kind string, client rest.Interface, namespace, name string, into runtime.Object) {
	request := client.Get().NamespaceIfScoped(namespace, namespace != "").Resource(kind + "s")
	request = request.Param("sinceSeconds", "600").Param("fieldSelector", "metadata.name="+name)
	check(request.Do(context.Background()).Into(into))
	answers[kind+"sPast"] = into
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
