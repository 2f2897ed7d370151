"""Prints as JSON what the Python client reads of metrics.k8s.io, by its typed and by its dynamic API, and why it cannot watch."""

import json
import os
import sys

from kubernetes import client, config, dynamic
from kubernetes.client.exceptions import ApiException

GROUP = "metrics.k8s.io"


def main(kubeconfig, version, node, namespace, pod):
    config.load_kube_config(kubeconfig)
    custom = client.CustomObjectsApi()
    # What it has discovered goes to this run's home, or a later run would take it from the machine's folder for such.
    discovered = os.path.expanduser(f"~/discovered by Python for {version}")
    resources = dynamic.DynamicClient(client.ApiClient(), cache_file=discovered).resources
    nodes = resources.get(api_version=f"{GROUP}/{version}", kind="NodeMetrics")
    pods = resources.get(api_version=f"{GROUP}/{version}", kind="PodMetrics")
    answers = {
        "CustomObjectsApi": {
            "nodes": custom.list_cluster_custom_object(GROUP, version, "nodes"),
            "node": custom.get_cluster_custom_object(GROUP, version, "nodes", node),
            "nodeWatch": refusal(lambda: custom.list_cluster_custom_object(GROUP, version, "nodes", watch=True)),
            "pods": custom.list_namespaced_custom_object(GROUP, version, namespace, "pods"),
            "pod": custom.get_namespaced_custom_object(GROUP, version, namespace, "pods", pod),
            "nodesPast": past(version, "nodes", node),
            "nodesPaged": pages(lambda **more: custom.list_cluster_custom_object(GROUP, version, "nodes", **more)),
            "podsPast": past(version, f"namespaces/{namespace}/pods", pod),
            "podsPaged": pages(
                lambda **more: custom.list_namespaced_custom_object(GROUP, version, namespace, "pods", **more)
            ),
            "podWatch": refusal(
                lambda: custom.list_namespaced_custom_object(GROUP, version, namespace, "pods", watch=True)
            ),
        },
        "DynamicClient": {
            "nodes": nodes.get().to_dict(),
            "node": nodes.get(name=node).to_dict(),
            "nodeWatch": refusal(lambda: next(nodes.watch(timeout=1))),
            "pods": pods.get(namespace=namespace).to_dict(),
            "pod": pods.get(namespace=namespace, name=pod).to_dict(),
            "podWatch": refusal(lambda: next(pods.watch(namespace=namespace, timeout=1))),
        },
    }
    json.dump(answers, sys.stdout)


def past(version, path, name):
    """Points of ten minutes; the generated functions do not know the parameter."""
    api = client.ApiClient()
    query = f"sinceSeconds=600&fieldSelector=metadata.name%3D{name}"
    answer = api.call_api("GET", f"{api.configuration.host}/apis/{GROUP}/{version}/{path}?{query}")
    return json.loads(answer.read())


def pages(ask):
    """The names that pages of one have, and how many items the whole list has."""
    names, count, more = [], 0, {}
    while True:
        page = ask(limit=1, **more)
        count += 1
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
        if not token:
            return {"names": names, "pages": count, "count": len(ask()["items"])}
        more = {"_continue": token}


def refusal(ask):
    """The reason that the server gives for not answering."""
    try:
        ask()
    except ApiException as error:
        return json.loads(error.body)["reason"]
    return "answered"


main(*sys.argv[1:])
