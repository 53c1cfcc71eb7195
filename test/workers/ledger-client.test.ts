import { describe, expect, it } from 'vitest'
import { PurserError } from '../../src/errors.ts'
import { authorizationFor, CLAIMED, NEVER_SENT, usd } from '../ledger/fixtures.ts'
import { joined, workerRig } from './ledger-rig.ts'

type Rig = Awaited<ReturnType<typeof workerRig>>

async function reserved({ bench, ledger }: Pick<Rig, 'bench' | 'ledger'>, sessionId: string, changes = {}) {
  const request = bench.make.request(sessionId, usd(1), changes)
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') throw new Error(result.kind)
  return { request, reservation: result.reservation }
}

describe('the ledger of a worker', () => {
  it('pays: reserves, signs, sends, posts and delivers, and the owner of the ledger has it all', async () => {
    await using rig = await workerRig()
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const { request, reservation } = await reserved(rig, id)
    await reservation.durable()
    await reservation.record(authorizationFor(request))
    reservation.sent()
    await reservation.post(CLAIMED)
    await reservation.delivered({ status: 200, complete: true, bytes: 2 })
    reservation.release()
    expect(await reservation.payment()).toMatchObject({ state: 'settled', delivered: true, terms: { amount: usd(1) } })
    const { entered } = rig.bench
    expect(entered).toEqual(['reserved', 'signed', 'sent', 'settled'].map((state) => `${state} ${request.paymentId}`))
    expect(await rig.bench.ledger.session(id)).toMatchObject({ spent: usd(1), held: 0n })
  })

  it('hears that a settlement is decided before it is on the disk', async () => {
    await using rig = await workerRig()
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const { request, reservation } = await reserved(rig, id)
    await reservation.record(authorizationFor(request))
    const told: string[] = []
    await reservation.post(CLAIMED, () => told.push('decided')).then(() => told.push('durable'))
    expect(told).toEqual(['decided', 'durable'])
    const posted = rig.calls.find(({ name }) => name === 'post')
    expect(rig.outcomes.filter((outcome) => outcome.id === posted?.id).map(({ outcome }) => outcome.kind)).toEqual(['decided', 'done'])
  })

  it('carries refusals with their code, faults with their words', async () => {
    await using rig = await workerRig()
    const { id } = await rig.ledger.openSession(rig.bench.make.session({ cap: usd(1) }))
    await reserved(rig, id)
    expect(await rig.ledger.reserve(rig.bench.make.request(id, usd(1)))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'session_exhausted', cap: usd(1), held: usd(1) },
    })
    const missing = rig.ledger.reserve(rig.bench.make.request('ses_none', usd(1)))
    await expect(missing).rejects.toBeInstanceOf(PurserError)
    await expect(missing).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    await expect(rig.ledger.takeOver()).rejects.toMatchObject({ refusal: { code: 'forbidden' } })
  })

  it('R5: only the worker that signed takes back, and once it is gone what it signed is unknown', async () => {
    await using rig = await workerRig()
    const other = joined(rig.bench, 'run_other')
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const signed = await reserved(rig, id, { keyDigest: 'key' })
    await signed.reservation.record(authorizationFor(signed.request))
    const unsigned = await reserved(rig, id)
    expect(await other.ledger.resume(signed.request.purchase)).toMatchObject({ kind: 'in_progress' })
    expect(await rig.bench.ledger.takeOver()).toBe(0)
    rig.bench.ledger.workers.delete('run_worker')
    expect(await rig.bench.ledger.takeOver()).toBe(2)
    expect(await rig.bench.ledger.payment(signed.request.paymentId)).toMatchObject({ state: 'unknown' })
    expect(await rig.bench.ledger.payment(unsigned.request.paymentId)).toMatchObject({ state: 'void' })
    const again = await other.ledger.resume(signed.request.purchase)
    if (again.kind !== 'repeat') throw new Error(again.kind)
    expect(again.reservation.authorization?.headers).toEqual(authorizationFor(signed.request).headers)
    await expect(again.reservation.void(NEVER_SENT)).rejects.toMatchObject({ refusal: { code: 'conflict' } })
  })

  it('pays through a channel, whose pending voucher is its own while it lives', async () => {
    await using rig = await workerRig()
    const other = joined(rig.bench, 'run_other')
    const { id } = await rig.ledger.openSession(rig.bench.make.session())
    const method = { scheme: 'batch-settlement', method: 'deposit' } as const
    const [mine, theirs] = [await reserved(rig, id, { terms: method }), await reserved({ ...rig, ...other }, id, { terms: method })]
    const named = { sessionId: id, network: mine.request.attempt.terms.network, asset: 'a', receiver: 'r', receiverAuthorizer: 'w' }
    const about = {
      payer: 'p',
      salt: 's',
      url: 'https://api.example.com/',
      offer: '{}',
      decimals: 6,
      currency: 'USD',
      withdrawDelay_s: 900,
    }
    const channel = await rig.ledger.channels.open({ ...named, ...about, id: 'chn_1' })
    const vouching = { paymentId: mine.request.paymentId, cumulative: 1n, deposit: usd(1) }
    const pending = await rig.ledger.channels.vouch('chn_1', { ...vouching, version: channel.version })
    const next = { version: pending?.version ?? 0, paymentId: theirs.request.paymentId, cumulative: 1n, deposit: usd(1) }
    await mine.reservation.void({ kind: 'never_signed', reason: 'why', code: 'wallet_insufficient' })
    expect(await other.ledger.channels.vouch('chn_1', next)).toBeUndefined()
    rig.bench.ledger.workers.delete('run_worker')
    expect(await other.ledger.channels.vouch('chn_1', next)).toMatchObject({ pending: { paymentId: theirs.request.paymentId } })
  })

  it('keeps whose token it is for half a second, and forgets it at once when the session ends', async () => {
    await using rig = await workerRig()
    const session = await rig.ledger.openSession(rig.bench.make.session())
    const hash = `hash of ${session.id}`
    const asked = () => rig.calls.filter(({ name }) => name === 'sessionByToken').length
    for (let time = 0; time < 3; time++) await rig.ledger.sessionByToken(hash)
    expect(asked()).toBe(1)
    await rig.bench.ledger.revoke(session.id)
    await expect.poll(async () => (await rig.ledger.sessionByToken(hash))?.status).toBe('revoked')
    rig.bench.clock.advance(500)
    await rig.ledger.sessionByToken(hash)
    expect(asked()).toBe(3)
  })

  it('hears of changes and approvals, whoever made them, and forgets what was halted before', async () => {
    await using rig = await workerRig()
    const told: unknown[] = []
    const stop = rig.ledger.watch((change) => told.push(change))
    expect(await rig.ledger.halts()).toEqual([])
    await rig.bench.ledger.halt({ scope: 'all', value: '', reason: 'stop', at: 1 })
    await expect.poll(() => told).toEqual([{ kind: 'halts' }])
    expect(await rig.ledger.halts()).toMatchObject([{ scope: 'all' }])
    stop()
    await rig.bench.ledger.announcePolicy('policy 2')
    expect(told).toHaveLength(1)
  })
})
