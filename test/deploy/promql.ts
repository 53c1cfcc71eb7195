/** Reads queries of Prometheus with its own grammar, and holds every name in them against what a Purser really shows. */
import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

/** The values that each label is known to take. */
export type Labels = ReadonlyMap<string, ReadonlySet<string>>
/** Metrics by name. */
export type Catalogue = ReadonlyMap<string, Labels>

export interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

export interface Query {
  /** Where the grammar breaks. */
  readonly faults: readonly string[]
  readonly selectors: readonly { readonly metric: string; readonly matchers: readonly Matcher[] }[]
  /** Labels that are grouped, matched or kept by, with the metrics that they have to come from. */
  readonly groupings: readonly { readonly labels: readonly string[]; readonly metrics: readonly string[] }[]
  /** Labels that an aggregation leaves; undefined where none is there. */
  readonly left: readonly string[] | undefined
}

/** Labels that a scrape adds: `ledger` is for replicas of one ledger (see docs/grafana.md). */
const TARGET_LABELS = ['job', 'instance', 'ledger']

/** Metrics that Prometheus makes itself. */
const OWN: Catalogue = new Map([
  ['up', new Map()],
  [
    'ALERTS',
    new Map([
      ['alertname', new Set(['Purser.+'])],
      ['alertstate', new Set(['firing'])],
      ['severity', new Set(['critical'])],
    ]),
  ],
])

export function parseQuery(text: string): Query {
  const at = (node: SyntaxNode) => text.slice(node.from, node.to)
  const top = parser.parse(text).topNode
  const metricsIn = (node: SyntaxNode) => allOf(node, 'VectorSelector').map((one) => at(one.getChild('Identifier') ?? one))
  const labelsOf = (node: SyntaxNode) => allOf(node, 'LabelName').map(at)
  const aggregates = allOf(top, 'AggregateExpr')
  // These choose among series and leave their labels alone.
  const summing = aggregates.filter((node) => !/^(top|bottom)k/.test(at(node)))
  const outermost = summing[0]?.getChild('AggregateModifier')
  return {
    faults: allOf(top, '⚠').map(({ from }) => `breaks at ${from}: ${text.slice(from, from + 20)}`),
    selectors: allOf(top, 'VectorSelector').map((node) => ({
      metric: at(node.getChild('Identifier') ?? node),
      matchers: allOf(node, 'UnquotedLabelMatcher').map((matcher) => matcherOf(matcher, at)),
    })),
    groupings: [...aggregates, ...allOf(top, 'BinaryExpr')].flatMap((node) => {
      const modifier = node.getChild('AggregateModifier') ?? node.getChild('MatchingModifierClause')
      return modifier ? [{ labels: labelsOf(modifier), metrics: metricsIn(node) }] : []
    }),
    left: summing.length === 0 ? undefined : outermost ? labelsOf(outermost) : [],
  }
}

function matcherOf(node: SyntaxNode, at: (node: SyntaxNode) => string): Matcher {
  const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral']
    .map((name) => node.getChild(name))
    .map((child) => (child ? at(child) : ''))
  return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) }
}

function allOf(top: SyntaxNode, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = []
  top.cursor().iterate(({ node }) => {
    if (node.from < top.from || node.to > top.to) return false
    if (name === '⚠' ? node.type.isError : node.name === name) found.push(node)
    return true
  })
  return found
}

/** What a query speaks of that is not there, in sentences; empty where everything is. */
export function problemsOf(text: string, live: Catalogue): string[] {
  const { faults, selectors, groupings } = parseQuery(text)
  const catalogue = new Map([...live, ...OWN])
  const labelsOf = (metric: string) => [...TARGET_LABELS, ...(catalogue.get(metric)?.keys() ?? [])]
  return [
    ...faults,
    ...selectors.filter(({ metric }) => !catalogue.has(metric)).map(({ metric }) => `there is no metric ${metric}`),
    ...selectors.flatMap(({ metric, matchers }) => matchers.flatMap((matcher) => matcherProblems(matcher, metric, catalogue.get(metric)))),
    ...groupings.flatMap(({ labels, metrics }) =>
      labels
        .filter((label) => !metrics.some((metric) => labelsOf(metric).includes(label)))
        .map((label) => `${metrics} has no label ${label}`),
    ),
  ]
}

function matcherProblems({ label, operator, value }: Matcher, metric: string, labels: Labels | undefined): string[] {
  if (TARGET_LABELS.includes(label)) return []
  const known = labels?.get(label)
  if (!known) return [`${metric} has no label ${label}`]
  const values = operator.endsWith('~') && !known.has(value) ? value.split('|') : [value]
  return values.filter((one) => !/[[\].*+$]/.test(one) && !known.has(one)).map((one) => `${metric} has no ${label} “${one}”`)
}

/** What a recording rule makes: the labels that its aggregation leaves, with the values of what it is made from. */
export function recorded(expression: string, catalogue: Catalogue): Labels {
  const { left = [], selectors } = parseQuery(expression)
  const values = (label: string) => new Set(selectors.flatMap(({ metric }) => [...(catalogue.get(metric)?.get(label) ?? [])]))
  return new Map(left.map((label) => [label, values(label)]))
}
