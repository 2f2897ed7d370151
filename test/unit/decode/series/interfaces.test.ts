/** Which interfaces are a node's or a pod's network, by what names them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCountedElsewhere } from '../../../../src/decode/series/interfaces.ts';

/** Traffic leaves through these. */
const own: Readonly<Record<string, string>> = {
  'of pods, and additional ones of Multus': 'eth0 eth1 net1 net2 ovn-udn1',
  'of machines, named by systemd':
    'eno1 ens5 ens192 enp3s0 enp3s0f0 enp3s0f0np0 enx001122334455 end0 wlp2s0 ib0 enP2p1s0f1 enP7s7',
  'of machines, named otherwise': 'em1 p1p1 lan0 venet0 wlan0 usb0 mgmt tmp0',
};

/** Another interface of the same machine or pod counts the same packets, or they carry none. */
const others: Readonly<Record<string, string>> = {
  Calico: 'cali0123456789a calie3f1a2b3c4d tunl0 vxlan.calico vxlan-v6.calico wireguard.cali',
  Cilium: 'lxc0123456789ab lxc_health cilium_host cilium_net cilium_vxlan cilium_wg0 cilium_geneve tmp0a1b2',
  'AWS VPC CNI': 'eni0123456789a vlan.eth.1 vlan0123456789a dummy0',
  'Azure CNI': 'azv0123456789a azure0',
  'GKE, and kubenet': 'gke0123456789a cbr0',
  'flannel, bridges and Docker':
    'flannel.1 flannel-v6.1 flannel-wg cni0 br-0123456789ab br0 vmbr0 mgmt-br bridge docker0 veth12345678 podman0',
  'OVN-Kubernetes and Kube-OVN':
    'ovn-k8s-mp0 genev_sys_6081 ovs-system br-int br-ex 0123456789abcde ovn0 0123456789ab_h',
  'Antrea, Weave and kube-router':
    'antrea-gw0 antrea-tun0 web-0-1a2b3c weave datapath vxlan-6784 kube-bridge kube-dummy-if',
  'kube-proxy and NodeLocal DNSCache': 'kube-ipvs0 nodelocaldns',
  'tunnels of the kernel in each network namespace':
    'tunl0 sit0 gre0 gre_sys vx-submariner gretap0 erspan0 ip_vti0 ip6_vti0 ip6tnl0 ip6gre0 teql0',
  WireGuard: 'wg0 tailscale0 kilo0 wireguard.cali wg-v6.cali',
  'bonds and VLANs, whose members count': 'bond0 team0 bond-public bond_lan mgmt-bo eth0.100 bond0.4094 vlan100',
  'virtual machines': 'virbr0 vnet3 tap0 macvtap0 tap0_kata tapc16477688c0 k6t-eth0 ifb0',
};

for (const [what, names] of Object.entries(own)) {
  test(`interfaces ${what} count`, () => {
    for (const name of names.split(' ')) assert.equal(isCountedElsewhere(name), false, name);
  });
}

for (const [what, names] of Object.entries(others)) {
  test(`interfaces of ${what} do not count`, () => {
    for (const name of names.split(' ')) assert.equal(isCountedElsewhere(name), true, name);
  });
}
