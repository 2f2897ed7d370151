/**
 * Decides which interfaces make the traffic of one network namespace: those through which it leaves. The host's ends of
 * pods' connections, bridges, tunnels, VLANs and bonds carry what a physical interface counts too, so a sum over all
 * would count it two or three times, and begin anew with each pod that starts. cAdvisor leaves out lo, veth*, docker*
 * and nerdctl* (`ignoredDevicePrefixes` in its container/libcontainer/handler.go).
 */

/** Interfaces whose traffic another one of the same namespace counts, or that carry none. By what makes them. */
const countedElsewhere: Readonly<Record<string, RegExp>> = {
  // Host's ends of pods' interfaces; Alibaba's Terway names them as Calico does.
  calico: /^cali[0-9a-f]/,
  cilium: /^(?:lxc|cilium_|tmp[0-9a-f]{5}$)/,
  awsVpcCni: /^(?:eni[0-9a-f]{11}$|vlan|dummy)/,
  azureCni: /^(?:azv|azure\d)/,
  gke: /^gke[0-9a-f]{11}$/,
  ovnKubernetes: /^(?:ovn-k8s-mp|genev_sys_|patch-|[0-9a-f]{15}$)/,
  kubeOvn: /^(?:ovn\d|[0-9a-f]{12}_[hc]$)/,
  antrea: /^antrea-|-[0-9a-f]{6}$/,
  weave: /^(?:weave|datapath|vethwe)/,
  kubeRouter: /^kube-(?:bridge|dummy-if)$/,
  kubeProxy: /^kube-ipvs\d+$/,
  nodeLocalDns: /^nodelocaldns$/,
  virtualMachines: /^(?:(?:vnet|virbr|macvtap)\d|tap[0-9a-f]|k6t-)/,
  // Runtimes in pods and on nodes.
  containers: /^(?:veth|docker|nerdctl|podman|cni-podman|lxdbr|lxcbr)/,
  // mgmt-br of Harvester, vmbr0 of Proxmox.
  bridges: /^(?:br-|br\d|vmbr\d|bridge|cni\d|cbr\d|ovs-)|-br$/,
  // Tunnels over another interface; those of the kernel in each namespace (tunl0, sit0, ...) carry nothing by themselves.
  tunnels:
    /^(?:flannel|vxlan|vx-|geneve|gretap|gre\d|gre_sys|erspan|ipip|tunl|sit\d|ip6tnl|ip6gre|ip_vti|ip6_vti|teql|tun\d|ppp\d)/,
  redirected: /^ifb\d/,
  wireGuard: /^(?:wg|wireguard|tailscale|kilo)/,
  // Their members count. bond-public of administrators, mgmt-bo of Harvester.
  bonds: /^(?:bond|team)[-_\d]|-bo$/,
  // eth0.100, and vlan.eth.1 of AWS above.
  vlans: /\.\d{1,4}$/,
};

const patterns = Object.values(countedElsewhere);

/** Reports whether an interface's traffic must not be added. */
export function isCountedElsewhere(name: string): boolean {
  return patterns.some((pattern) => pattern.test(name));
}
