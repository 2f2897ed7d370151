/** The families of metrics, as kubelets name them. */
import { columnOf } from '../sample/seriescolumns.ts';
import type { KubeletMetric } from './catalogue.ts';

export function familiesOfMetric({ columns }: KubeletMetric): readonly string[] {
  return columns.map((name) => columnOf(name).family);
}
