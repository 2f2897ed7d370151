/** Reads the families of a body in text, with the labels that matter here, to write them again in the other format. */
import type { Family, FamilySample } from '../../fakes/exposition.ts';
import { readText } from '../exposition/read.ts';

export function familiesOf(text: Buffer): Family[] {
  const names = [...text.toString().matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1] ?? '');
  const samples = names.map((): FamilySample[] => []);
  readText(text, names, (sample) => {
    const labels = Object.fromEntries(
      ['container', 'cpu', 'id', 'image', 'name', 'namespace', 'pod'].map((name) => [name, sample.label(name)]),
    );
    const time = Number.isNaN(sample.timestampMs) ? {} : { timestampMs: sample.timestampMs };
    samples[sample.family]?.push({ labels, value: sample.value, ...time });
  });
  return names.map((name, index) => ({ name, help: '', type: 'gauge', samples: samples[index] ?? [] }));
}
