import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPoolWallet } from '../../src/wallet/pool.ts'
import type { PresignRequest } from '../../src/wallet/presigned-file.ts'
import { testClock } from '../clock.ts'
import { FROM, START_S, writePool } from '../wallet/presigned-at-hand.ts'
import { charge } from './mpp-challenges.ts'
import { challenge, type Rig, type RigOptions, settled, startRig, URL_ASKED } from './rig.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-presigned-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A flow whose wallet is a pool of this ledger. */
async function poolRig(changes: Partial<PresignRequest> = {}, options: RigOptions = {}, more: readonly string[] = []): Promise<Rig> {
  const late = Promise.withResolvers<Rig>()
  const clock = options.clock ?? testClock()
  const wallet = await openPoolWallet({
    ...{
      address: FROM,
      files: [await writePool(join(folder, 'pool'), changes), ...more],
      longest_ms: 86_400_000,
      clock,
      warned: () => undefined,
    },
    used: async (nonces) => (await late.promise).ledger.insight.usedNonces(nonces),
  })
  const rig = await startRig({ ...options, wallet, clock })
  late.resolve(rig)
  return rig
}

const silent = () => ({ kind: 'failed', sent: true, code: 'upstream_timeout', detail: 'silence' }) as const

const nonceIn = ([, header = '']: Rig['sent'][number]) =>
  (JSON.parse(Buffer.from(header, 'base64').toString()) as { payload: { authorization: { nonce: string; validBefore: string } } }).payload
    .authorization

describe('a payment by what was signed beforehand', () => {
  it('carries the transfer of the pool, is held until its end, and no two carry the same', async () => {
    await using rig = await poolRig({ count: 2 })
    for (const n of [1, 2]) {
      const outcome = await rig.pay(silent, {
        request: rig.request({ url: `${URL_ASKED}?${n}` }),
      })
      expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'payment_unknown' } })
    }
    const [one, other] = rig.sent.map(nonceIn)
    expect(one?.nonce).not.toBe(other?.nonce)
    const { items } = await rig.ledger.payments({}, { limit: 10 })
    expect(new Set(items.map(({ validBefore_s }) => validBefore_s))).toEqual(new Set([START_S + 3_600]))
    expect([one?.validBefore, other?.validBefore]).toEqual([`${START_S + 3_600}`, `${START_S + 3_600}`])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 2_000n })
  })

  it('G3: a repeat presents the transfer that its purchase had', async () => {
    await using rig = await poolRig()
    await rig.pay(silent)
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'answer' })
    expect(rig.sent.map((headers) => nonceIn(headers).nonce)).toEqual([nonceIn(rig.sent[0] ?? []).nonce, nonceIn(rig.sent[0] ?? []).nonce])
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('where another process took a transfer meanwhile, is made with another one', async () => {
    // What ends first is taken first, by both.
    const later = await writePool(join(folder, 'later'), { count: 1, validBefore_s: START_S + 7_200 })
    await using rig = await poolRig({ count: 1 }, {}, [later])
    const other = await poolRigBeside(rig)
    expect(await rig.pay(() => settled(), { request: rig.request({ url: `${URL_ASKED}?1` }) })).toMatchObject({ kind: 'answer' })
    expect(await other(`${URL_ASKED}?2`)).toMatchObject({ kind: 'answer' })
    expect(await other(`${URL_ASKED}?3`)).toMatchObject({ kind: 'refuse', refusal: { code: 'wallet_insufficient' } })
    expect(new Set(rig.sent.map((headers) => nonceIn(headers).nonce)).size).toBe(2)
  })

  it('is refused before anything is held for another price, a permit and a challenge of MPP', async () => {
    await using rig = await poolRig()
    expect(await rig.pay(() => settled(), { unpaid: challenge({ amount: '1001' }) })).toMatchObject({
      kind: 'refuse',
      refusal: { code: 'wallet_insufficient', nextAction: expect.stringContaining('purser wallet presign') },
    })
    expect(await rig.pay(() => settled(), { unpaid: charge({ id: 'one' }) })).toMatchObject({
      kind: 'refuse',
      refusal: { code: 'scheme_not_supported', detail: expect.stringContaining('signed beforehand') },
    })
    expect([rig.sent, await rig.balance()]).toMatchObject([[], { spent: 0n, held: 0n }])
  })

  it('that ends too soon for the server is not used', async () => {
    await using rig = await poolRig()
    rig.advance(3_541_000)
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'refuse', refusal: { code: 'wallet_insufficient' } })
  })

  it('goes with no first attempt: it would be held for hours', async () => {
    await using rig = await poolRig({ count: 9 }, { preemptive: {} })
    for (const n of [1, 2, 3]) await rig.pay(() => settled(), { request: rig.request({ url: `${URL_ASKED}?${n}` }) })
    expect(await rig.payFirst(() => settled(), { request: rig.request({ url: `${URL_ASKED}?4` }) })).toBeUndefined()
    expect(rig.sent).toHaveLength(3)
  })
})

/** A second process of the same ledger and pool, as it was before the first one paid. */
async function poolRigBeside(rig: Rig) {
  const wallet = await openPoolWallet({
    ...{
      address: FROM,
      files: [join(folder, 'pool'), join(folder, 'later')],
      longest_ms: 86_400_000,
      clock: rig.clock,
      warned: () => undefined,
    },
    used: (nonces) => rig.ledger.insight.usedNonces(nonces),
  })
  // It looks at the ledger now, and not again before it has to.
  const { createPay } = await import('../../src/payment/pay.ts')
  const pay = createPay({ ...rig.deps, wallet })
  await wallet.readiness?.()
  return (url: string) =>
    pay(
      rig.request({ url }),
      challenge(),
      async ({ set, beforeSend }) => {
        beforeSend?.()
        rig.sent.push(set)
        return settled()
      },
      async () => challenge(),
    )
}
