/** What a Purser shows at `/metrics`: names and labels from the text itself, values as they were seen or as the docs list them. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CODES } from '../../src/errors.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import type { Catalogue } from './promql.ts'

const DOCS = readFileSync(resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
const PARTS = { histogram: ['_bucket', '_sum', '_count'], summary: ['_sum', '_count'], counter: [''], gauge: [''] } as const

/** Which of them are counted is the operator’s choice. */
const PERCENTAGES = Array.from({ length: 100 }, (_, at) => `${at + 1}`)

type Family = keyof typeof PARTS

/** @param text in the text format of Prometheus */
export function catalogueOf(text: string): Catalogue {
  const found = new Map<string, Map<string, Set<string>>>()
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    for (const part of PARTS[type as Family]) found.set(`${name}${part}`, declared(name))
    if (type === 'histogram') found.get(`${name}_bucket`)?.set('le', new Set())
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      const values = found.get(name)
      values?.set(label, new Set([...(values.get(label) ?? []), value]))
    }
  }
  return found
}

/** A series of ours that has not been counted yet shows no labels: those that it was made with, and the values that its docs name. */
function declared(name: string): Map<string, Set<string>> {
  const labels = METRICS.find((metric) => metric.name === name)?.labels ?? []
  const row = DOCS.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? ''
  const words = [...row.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
  const known = (label: string): readonly string[] => (label === 'code' ? CODES : label === 'percent' ? PERCENTAGES : words)
  return new Map(labels.map((label) => [label, new Set(known(label))]))
}
