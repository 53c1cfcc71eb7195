import { describe, expect, it } from 'vitest'
import type { NewSession, ReserveRequest } from '../../../src/ledger/ledger.ts'
import { type KnownLineage, Lineages } from '../../../src/ledger/postgres/lineages.ts'
import * as operations from '../../../src/ledger/postgres/operations.ts'
import { transact } from '../../../src/ledger/postgres/transact.ts'
import { Wants } from '../../../src/ledger/postgres/wants.ts'
import { authorizationFor, CLAIMED, COMPLETE, usd } from '../fixtures.ts'
import { memoryBench } from './workbench.ts'

/** The lookups that an operation met unforeseen, beyond the one load that all of them cost. */
async function stage(changes: Partial<NewSession> = {}) {
  const bench = memoryBench()
  const root = await bench.open(changes)
  const child = await bench.open({ ...changes, parent: root.id })
  const lineage = await new Lineages(bench.store, bench.terms).of(child.id)
  const run = async <T>(operation: operations.Write<T>): Promise<T> => {
    const returned: T[] = []
    bench.store.log.length = 0
    const kept = { ...operation, run: (hands: operations.Hands) => void returned.push(operation.run(hands)) }
    const { outcomes } = await transact([kept], { lane: 0, learned: new Wants() }, bench)
    if (!outcomes[0]?.done) throw outcomes[0]?.cause
    const [value] = returned.slice(-1)
    if (returned.length === 0) throw new Error('it did not run')
    return value as T
  }
  const unforeseen = () => bench.store.logged('load').slice(1)
  return { bench, root, child, lineage, run, unforeseen }
}

const step = (place: operations.PaymentPlace, act: (hands: operations.Hands) => void) => operations.stepping(place, act)

function placeOf({ paymentId, attempt }: ReserveRequest, lineage: KnownLineage): operations.PaymentPlace {
  return { paymentId, lineage, deal: attempt }
}

describe('what an operation is foreseen to need', () => {
  it('is all that a payment takes on its way, so that each step costs one question', async () => {
    const limits = { perRecipient: { '*': usd(5) }, perTool: { '*': usd(5) }, perWindow: [{ max: usd(9), per_ms: 60_000 }] }
    const { bench, child, lineage, run, unforeseen } = await stage({ limits })
    const frequency = { tier: 'autonomous', max: 5, per_ms: 60_000 }
    const request = bench.make.request(child.id, usd(1), { frequency, pin: true, attempt: { tool: 'web_search' } })
    expect((await run(operations.reserving(request, lineage))).kind).toBe('reserved')
    expect(unforeseen()).toEqual([])
    const place = placeOf(request, lineage)
    const steps: ((hands: operations.Hands) => void)[] = [
      ({ tx, rules }) => rules.transitions.sign(tx, request.paymentId, authorizationFor(request)),
      ({ tx, rules }) => rules.transitions.markSent(tx, request.paymentId),
      ({ tx, rules }) => rules.transitions.settle(tx, request.paymentId, CLAIMED),
      ({ tx, rules }) => rules.transitions.deliver(tx, request.paymentId, COMPLETE),
    ]
    for (const act of steps) {
      await run(step(place, act))
      expect(unforeseen()).toEqual([])
    }
  })

  it('names every session of the lineage among the locks, the windows by their time', async () => {
    const { bench, root, child, lineage } = await stage({ limits: { perWindow: [{ max: usd(9), per_ms: 60_000 }] } })
    const operation = operations.reserving(bench.make.request(child.id, usd(1)), lineage)
    const wants = new Wants()
    operation.foresee(wants)
    operation.foreseeAt?.(wants, 100_000)
    const locked = wants.locks().map(({ access, values }) => [access, ...values].join(' '))
    expect(locked).toEqual(expect.arrayContaining([`session ${child.id}`, `session ${root.id}`]))
    expect(wants.wanted().windows.map(({ after }) => after)).toEqual([40_000, 40_000])
  })

  it('names the purchase by its key or its fingerprint, and who lives', () => {
    const lineage = { queue: 'ses_1', ids: ['ses_1'], terms: [] }
    const named = (keyDigest: string | null) => {
      const wants = new Wants()
      operations.resuming({ sessionId: 'ses_1', fingerprint: 'f', keyDigest }, lineage, () => undefined).foresee(wants)
      return wants.wanted().rows.map(({ access, values }) => [access, ...values].join(' ').trim())
    }
    expect(named(null)).toEqual(['session ses_1', 'unkeyed f', 'livingRuns'])
    expect(named('k')).toEqual(['session ses_1', 'keyed k', 'livingRuns'])
  })

  it('of a refusal is enough for its entry', async () => {
    const { bench, child, lineage, run } = await stage()
    const attempt = bench.make.attempt(child.id)
    const refusal = { code: 'payment_not_allowed', detail: 'You asked for none.' } as const
    const written = await run(
      operations.refusing(lineage, ({ tx, rules }) => rules.refusals.write(tx, { attempt, refusal, paymentId: 'pay_denied' })),
    )
    expect(written).toMatchObject({ code: 'payment_not_allowed', paymentId: 'pay_denied' })
  })
})

describe('the lane of an operation', () => {
  it('is that of the root’s agent, for a child’s opening too, so that one budget has one order', async () => {
    const { bench, root, child, lineage } = await stage()
    const session = bench.make.session({ parent: child.id, agent: 'of-a-child' })
    const queues = [
      operations.opening({ session, parent: lineage, key: undefined }, () => undefined),
      operations.accounting(lineage, () => undefined),
      operations.refusing(lineage, () => undefined),
      operations.stepping({ paymentId: 'pay_1', lineage, deal: undefined }, () => undefined),
      operations.resuming({ sessionId: child.id, fingerprint: 'f', keyDigest: null }, lineage, () => undefined),
    ].map(({ queue }) => queue)
    expect(new Set(queues)).toEqual(new Set([root.agent]))
    const alone = bench.make.session({ agent: 'alone' })
    expect(operations.opening({ session: alone, parent: undefined, key: undefined }, () => undefined).queue).toBe('alone')
  })

  it('of what belongs to no session is chosen by what it is about', () => {
    expect(
      operations.housekeeping(
        'halts',
        () => undefined,
        () => undefined,
      ).queue,
    ).toBe('halts')
  })

  it('leaves it to the key of the admin door that a top-up is done once', async () => {
    const { lineage, run, child } = await stage()
    const key = { key: 'k', digest: 'd' }
    const topUp = () =>
      run(operations.accounting(lineage, ({ tx, rules }) => rules.accounts.topUp(tx, child.id, { amount: 0n, extend_ms: 1_000 }, key), key))
    const [first, second] = [await topUp(), await topUp()]
    expect(second.expiresAt).toBe(first.expiresAt)
  })
})
