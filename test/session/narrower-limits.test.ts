import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketsOf, type Counted } from '../../src/ledger/buckets.ts'
import { narrowedLimits, widerLimits } from '../../src/session/narrower-limits.ts'
import type { SessionLimits } from '../../src/session/session.ts'

const ADDRESS = `0x${'a'.repeat(40)}` as const
const OTHER = `0x${'b'.repeat(40)}` as const

const someAmount = fc.bigInt({ min: 0n, max: 5n })
const mapOf = (...keys: string[]): fc.Arbitrary<Record<string, bigint>> =>
  fc.subarray(keys).chain((chosen) => fc.tuple(...chosen.map((key) => fc.tuple(fc.constant(key), someAmount))).map(Object.fromEntries))

const someLimits: fc.Arbitrary<SessionLimits> = fc.record(
  {
    perPayment: someAmount,
    payments: fc.nat(5),
    perTask: fc.record({ payments: fc.nat(5), requests: fc.nat(5) }, { requiredKeys: [] }),
    perRecipient: mapOf('*', '*.a.example', 'b.a.example', 'b.a.example:8443', 'c.example', ADDRESS, OTHER),
    perCategory: mapOf('*', 'search', 'compute'),
    perTool: mapOf('*', 'web', 'shell'),
    perUser: mapOf('*', 'ann', 'bob'),
    perWindow: fc.array(fc.record({ max: someAmount, per_ms: fc.constantFrom(60_000, 600_000, 3_600_000) }), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)

const somePayment: fc.Arbitrary<Counted> = fc
  .record({
    host: fc.constantFrom('b.a.example', 'x.a.example', 'c.example', 'd.example'),
    port: fc.constantFrom(443, 8443),
    tool: fc.constantFrom('web', 'shell', 'other', null),
    user: fc.constantFrom('ann', 'bob', 'eve', null),
    categories: fc.subarray(['search', 'compute', 'other']),
    payTo: fc.constantFrom(ADDRESS, OTHER, `0x${'c'.repeat(40)}`),
  })
  .map(({ port, payTo, ...payment }) => ({ ...payment, origin: `https://${payment.host}:${port}`, terms: { payTo } }))

const DIMENSIONS = ['perRecipient', 'perCategory', 'perTool', 'perUser'] as const

/** The largest single payment that one dimension lets through; undefined without a bound. */
function mostOf(limits: SessionLimits, dimension: (typeof DIMENSIONS)[number], payment: Counted): bigint | undefined {
  const bounds = limits[dimension]
  if (!bounds) return undefined
  const maxima = bucketsOf({ [dimension]: bounds }, payment).map(({ max }) => max ?? -1n)
  return maxima.sort((a, b) => Number(a - b))[0]
}

/** The least that may be spent within a span, as far as the windows say. */
function mostWithin({ perWindow = [] }: SessionLimits, span_ms: number): bigint | undefined {
  const maxima = perWindow.filter(({ per_ms }) => per_ms >= span_ms).map(({ max }) => max)
  return maxima.sort((a, b) => Number(a - b))[0]
}

function expectWithin(child: bigint | number | undefined, parent: bigint | number | undefined): void {
  if (parent !== undefined) expect(child !== undefined && child <= parent).toBe(true)
}

describe('the limits of a child', () => {
  it('are its parent’s where it says nothing', () => {
    const parent: SessionLimits = { perPayment: 1n, perTool: { web: 2n }, perWindow: [{ max: 3n, per_ms: 60_000 }] }
    expect(narrowedLimits(parent, {})).toEqual(parent)
    expect(narrowedLimits({}, parent)).toEqual(parent)
  })

  it('with a bound for the unnamed keep the names of the parent; without one they refuse what they do not name', () => {
    const parent: SessionLimits = { perTool: { '*': 9n, web: 2n, shell: 7n } }
    expect(narrowedLimits(parent, { perTool: { '*': 5n } })).toEqual({ perTool: { '*': 5n, web: 2n, shell: 5n } })
    expect(narrowedLimits(parent, { perTool: { web: 1n } })).toEqual({ perTool: { web: 1n } })
    expect(narrowedLimits(parent, { perTool: {} })).toEqual({ perTool: {} })
  })

  it('hold in each of the parent’s windows and in each of their own', () => {
    const parent: SessionLimits = { perWindow: [{ max: 5n, per_ms: 600_000 }] }
    const asked: SessionLimits = { perWindow: [{ max: 9n, per_ms: 3_600_000 }] }
    expect(widerLimits(parent, asked)).toEqual([])
    expect(narrowedLimits(parent, asked)).toEqual({ perWindow: [...(asked.perWindow ?? []), ...(parent.perWindow ?? [])] })
  })

  it.each<[SessionLimits, SessionLimits, string, string]>([
    [{ perPayment: 1_000_000n }, { perPayment: 2_000_000n }, 'limits.perPayment', '2.00 is more than the 1.00 of the parent'],
    [{ payments: 3 }, { payments: 4 }, 'limits.payments', '4 is more than the 3 of the parent'],
    [
      { perTool: { web: 1_000_000n } },
      { perTool: { web: 2_000_000n } },
      'limits.perTool.web',
      '2.00 is more than the 1.00 of the parent for web',
    ],
    [{ perTool: { web: 1n } }, { perTool: { shell: 0n } }, 'limits.perTool.shell', 'the parent refuses what it does not name'],
    [{ perUser: { ann: 1n } }, { perUser: { '*': 0n } }, 'limits.perUser.*', 'the parent refuses what it does not name'],
    [
      { perRecipient: { '*': 9_000_000n, 'b.a.example': 1_000_000n } },
      { perRecipient: { '*.a.example': 2_000_000n } },
      'limits.perRecipient.*.a.example',
      '2.00 is more than the 1.00 of the parent for b.a.example',
    ],
    [
      { perRecipient: { '*': 9_000_000n, [ADDRESS]: 1_000_000n } },
      { perRecipient: { 'c.example': 2_000_000n } },
      'limits.perRecipient.c.example',
      `2.00 is more than the 1.00 of the parent for ${ADDRESS}`,
    ],
    [
      { perWindow: [{ max: 5_000_000n, per_ms: 600_000 }] },
      { perWindow: [{ max: 6_000_000n, per_ms: 60_000 }] },
      'limits.perWindow[0]',
      '6.00 is more than the 5.00 of the parent in 10m',
    ],
  ])('under %o the wider %o is named', (parent, asked, path, message) => {
    expect(widerLimits(parent, asked)).toEqual([{ path, message }])
  })

  it('bound every payment at most as widely as the parent does, in every dimension', () => {
    fc.assert(
      fc.property(someLimits, someLimits, somePayment, (parent, asked, payment) => {
        if (widerLimits(parent, asked).length > 0) return
        const child = narrowedLimits(parent, asked)
        expectWithin(child.perPayment, parent.perPayment)
        expectWithin(child.payments, parent.payments)
        expectWithin(child.perTask?.payments, parent.perTask?.payments)
        expectWithin(child.perTask?.requests, parent.perTask?.requests)
        for (const dimension of DIMENSIONS) expectWithin(mostOf(child, dimension, payment), mostOf(parent, dimension, payment))
        for (const span of [60_000, 600_000, 3_600_000]) expectWithin(mostWithin(child, span), mostWithin(parent, span))
      }),
      { numRuns: 10_000 },
    )
  })

  it('are also bounded by what the child itself asked for', () => {
    fc.assert(
      fc.property(someLimits, someLimits, somePayment, (parent, asked, payment) => {
        const child = narrowedLimits(parent, asked)
        for (const dimension of DIMENSIONS) expectWithin(mostOf(child, dimension, payment), mostOf(asked, dimension, payment))
        for (const span of [60_000, 600_000, 3_600_000]) expectWithin(mostWithin(child, span), mostWithin(asked, span))
      }),
      { numRuns: 3_000 },
    )
  })
})
