/** Makes the table of custom metrics from kubelets. */
import { catalogue, type KubeletMetric, type ValueRule } from '../../src/kubeletsource/catalogue.ts';
import { describedBy } from '../../src/kubeletsource/objectnumbers.ts';
import { columnOf, familiesOf } from '../../src/sample/seriescolumns.ts';

const rules: Readonly<Record<ValueRule, string>> = {
  rate: 'rate',
  share: 'rate, at most 1',
  increase: 'increase over the window',
  gauge: 'last sample',
  throttled: 'increase divided by increase',
  'cpu limit': 'rate divided by the limit',
  'memory limit': 'last sample divided by the limit',
};

const cgroups = {
  sandbox: "the pod's sandbox, its own interfaces added",
  pod: "the pod's own cgroup",
  container: 'containers',
} as const;

export function kubeletMetricTable(): string {
  const head = '| metric | what it is | unit | of | value | kubelet families |\n|---|---|---|---|---|---|';
  return [head, ...catalogue.map(rowOf)].join('\n');
}

function rowOf(metric: KubeletMetric): string {
  const { name, help, unit, rule, combine, columns } = metric;
  const from = columnOf(columns[0]).of;
  const how =
    from === 'container' ? `${combine === 'sum' ? 'sum over' : 'highest of the'} ${cgroups[from]}` : cgroups[from];
  const families = familiesOf(columns).map((family) => `\`${family}\``);
  return `| \`${name}\` | ${help} | ${unit} | ${describedBy(metric).join(', ')} | ${rules[rule]}; ${how} | ${families.join(', ')} |`;
}
