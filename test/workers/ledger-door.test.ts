import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/workers/messages.ts'
import { authorizationFor, NEVER_SENT, usd } from '../ledger/fixtures.ts'
import { joined, workerRig } from './ledger-rig.ts'

type Rig = Pick<Awaited<ReturnType<typeof workerRig>>, 'send' | 'outcomes'>

async function outcomeOf(rig: Rig, call: Call) {
  rig.send(call)
  await expect.poll(() => rig.outcomes.find(({ id }) => id === call.id)).toBeDefined()
  return rig.outcomes.find(({ id }) => id === call.id)?.outcome
}

/** What runs in a worker; of `recover.ts` only what asks the chain about one payment, of channels all but their closing. */
const WORKERS_OWN = [
  ...readdirSync('src/payment', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/^(cancel|reconcile|recover|refunds|channels\/(close|closing))\.ts$/.test(name))
    .map((name) => `src/payment/${name}`),
  ...['agent-door', 'own-children', 'own-requests', 'own-session', 'workload-door', 'budgets', 'mandated', 'open-session'].map(
    (name) => `src/admin/${name}.ts`,
  ),
  ...['src/approval/service.ts', 'src/approval/notices.ts', 'src/alerts/owner-alerts.ts', 'src/people.ts', 'src/policy-in-force.ts'],
]

function calledIn(files: readonly string[]): string[] {
  const calls = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:ledger\.(approvals|insight|channels)|ledger|store)\??\.(\w+)\(/g)].map(
      (call) => [file, call] as const,
    ),
  )
  const names = calls.map(
    ([file, [text, store, name]]) => `${store ?? (text.startsWith('store') || file.includes('approval') ? 'approvals' : 'ledger')}.${name}`,
  )
  return [...new Set(names)].filter((name) => !/\.watch/.test(name)).sort()
}

describe('the ledger’s door for a worker', () => {
  it.each([
    ...(['ledger.halt', 'ledger.resumePayments', 'ledger.createToken', 'ledger.tokens', 'ledger.correct', 'ledger.topUp'] as const),
    ...(['ledger.takeOver', 'ledger.claimUnproven', 'ledger.checkpoint', 'ledger.refund', 'ledger.constructor'] as const),
    ...(['ledger.workers', 'reports.keep', 'told.tell', 'retention.handOver', 'approvals.deadLetters', 'insight.activity'] as const),
    ...(['channels.claimClosing', 'channels.putOff', 'channels.close'] as const),
    ...(['fundings.claim', 'fundings.plan'] as const),
  ])('refuses what a worker has no business with: %s', async (method) => {
    await using rig = await workerRig()
    const [to, name] = method.split('.') as ['ledger', string]
    const outcome = await outcomeOf(rig, { to, id: 900, name, args: [] })
    expect(outcome).toEqual({ kind: 'refused', refusal: { code: 'forbidden', detail: `A worker does not call ${method}.` } })
  })

  it('lets through all that the rooms of a worker call', async () => {
    await using rig = await workerRig()
    const called = calledIn(WORKERS_OWN)
    expect(called).toEqual(
      expect.arrayContaining(['ledger.reserve', 'ledger.sessions', 'approvals.claimNotices', 'insight.limitUse', 'channels.tell']),
    )
    const refused: string[] = []
    for (const [index, method] of called.entries()) {
      const [to, name] = method.split('.') as ['ledger', string]
      const outcome = await outcomeOf(rig, { to, id: 1_000 + index, name, args: [{}] })
      if (outcome?.kind === 'refused' && outcome.refusal.code === 'forbidden') refused.push(method)
    }
    expect(refused).toEqual([])
  })

  it('names only reservations that it was given, and only steps that there are', async () => {
    await using rig = await workerRig()
    const other = joined(rig.bench, 'run_other')
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const request = rig.bench.make.request(id, usd(1))
    expect(await rig.ledger.reserve(request)).toMatchObject({ kind: 'reserved' })
    const handle = rig.calls.at(-1)?.id ?? 0
    const theirs = await outcomeOf(other, { to: 'reservation', id: 901, handle, name: 'void', args: [NEVER_SENT] })
    expect(theirs).toEqual({ kind: 'failed', message: `this worker holds no reservation ${handle}` })
    const foreign = await outcomeOf(rig, { to: 'reservation', id: 902, handle, name: 'constructor', args: [] })
    expect(foreign).toMatchObject({ kind: 'refused', refusal: { code: 'forbidden' } })
    expect(await rig.bench.ledger.payment(request.paymentId)).toMatchObject({ state: 'reserved' })
  })

  it('forgets a reservation when it is released, and answers no notes', async () => {
    await using rig = await workerRig()
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const result = await rig.ledger.reserve(rig.bench.make.request(id, usd(1)))
    const handle = rig.calls.at(-1)?.id ?? 0
    if (result.kind !== 'reserved') throw new Error(result.kind)
    result.reservation.release()
    const late = await outcomeOf(rig, { to: 'reservation', id: 903, handle, name: 'durable', args: [] })
    expect(late).toMatchObject({ kind: 'failed' })
    expect(rig.outcomes.filter(({ id: answered }) => answered === 0)).toEqual([])
  })

  it('runs what was posted in one turn in one commit, in its order', async () => {
    await using rig = await workerRig()
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const requests = Array.from({ length: 20 }, () => rig.bench.make.request(id, usd(0.1)))
    rig.bench.told.length = 0
    const results = await Promise.all(requests.map((request) => rig.ledger.reserve(request)))
    await Promise.all(
      results.map((result, index) => {
        const request = requests[index]
        if (result.kind !== 'reserved' || !request) throw new Error(result.kind)
        return result.reservation.record(authorizationFor(request))
      }),
    )
    expect(rig.bench.told.filter((word) => word === 'record')).toHaveLength(20)
    expect(rig.bench.told.filter((word) => word === 'commit').length).toBeLessThanOrEqual(2)
  })
})
