import { describe, expect, it, vi } from 'vitest'
import { PurserError, refused } from '../../src/errors.ts'
import { windowOf } from '../../src/payment/authorize.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { createSolanaWallet } from '../../src/wallet/solana-key.ts'
import { HeldDisk } from '../ledger/disks.ts'
import { type Payment, paymentIn } from '../testnet/wire.ts'
import { ASKING, startGoverned, untilTold } from './governed.ts'
import { charge, credentialIn, receipted } from './mpp-challenges.ts'
import { challenge, settled, startRig } from './rig.ts'

const real = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })

function decode(headers: readonly string[]): Payment {
  const payment = paymentIn({ headers: { 'payment-signature': headers[1] } } as never, 2)
  if (!payment) throw new Error('no payment was sent')
  return payment
}

describe('G8: signed windows are short', () => {
  it.each([
    [1, 10],
    [10, 10],
    [60, 60],
    [120, 120],
    [121, 120],
    [86_400, 120],
  ])('a server that asks for %i s gets %i s', (asked, given) => {
    expect(windowOf(asked)).toBe(given)
  })

  it('what is signed ends no later than the bound, whatever the challenge says', async () => {
    await using rig = await startRig()
    await rig.pay(() => settled(), { unpaid: challenge({ window_s: 80_000 }) })
    const { validBefore, validAfter } = decode(rig.sent[0] ?? [])
    const now = BigInt(Math.floor(rig.clock.now() / 1000))
    expect(validBefore).toBe(now + 120n)
    expect(validAfter).toBe(now - 600n)
  })
})

describe('a challenge that ends', () => {
  it('G8: is paid with a window that ends with it', async () => {
    await using rig = await startRig()
    await rig.pay(() => receipted(), { unpaid: charge({ expires: '2026-06-27T12:00:45Z' }) })
    const { validBefore, validAfter } = credentialIn(rig.sent[0] ?? []).payload
    expect([Number(validBefore), Number(validAfter)]).toEqual([rig.clock.now() / 1000 + 45, rig.clock.now() / 1000 - 600])
  })

  it('G8: is paid with a window of ours where it ends later', async () => {
    await using rig = await startRig()
    await rig.pay(() => receipted(), { unpaid: charge({ expires: '2031-01-01T00:00:00Z' }) })
    expect(Number(credentialIn(rig.sent[0] ?? []).payload.validBefore)).toBe(rig.clock.now() / 1000 + 120)
  })

  it.each([
    ['2026-06-27T12:00:09Z', 'The challenge ends in 9 s, too soon to pay for it. Nothing was signed.'],
    ['2026-06-27T12:00:00Z', 'The challenge has ended, too soon to pay for it. Nothing was signed.'],
    ['2025-06-27T12:00:00Z', 'The challenge has ended, too soon to pay for it. Nothing was signed.'],
  ])('is not paid where it ends at %s', async (expires, detail) => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => receipted(), { unpaid: charge({ expires }) })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'challenge_invalid', moneyState: 'none', detail } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
  })
})

describe('a challenge for one body', () => {
  const NOTHING = 'sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

  it('is paid with that body', async () => {
    await using rig = await startRig()
    expect(await rig.pay(() => receipted(), { unpaid: charge({ digest: NOTHING }) })).toMatchObject({ kind: 'answer' })
  })

  it('is not paid with another one', async () => {
    await using rig = await startRig()
    const outcome = await rig.pay(() => receipted(), { unpaid: charge({ digest: `sha-256=${'A'.repeat(43)}=` }) })
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'challenge_invalid', moneyState: 'none' } })
    expect(rig.sent).toEqual([])
  })
})

describe('I9: a clock that cannot be trusted', () => {
  const clockBar = (network: string) =>
    ({ code: 'clock_skew', detail: `The clocks of ${network} and here disagree. Nothing was paid.` }) as const

  it('keeps the wallet from signing: nothing leaves, nothing is held, and the refusal says why', async () => {
    let signatures = 0
    const wallet = {
      ...real,
      signTransfer: (...given: Parameters<typeof real.signTransfer>) => {
        signatures++
        return real.signTransfer(...given)
      },
    }
    await using rig = await startRig({ wallet, clockBar })
    const detail = 'The clocks of eip155:84532 and here disagree. Nothing was paid.'
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'refuse', refusal: { code: 'clock_skew', moneyState: 'none', detail } })
    expect({ sent: rig.sent, signatures }).toEqual({ sent: [], signatures: 0 })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
  })
})

describe('G2: a wallet in another process', () => {
  it('is asked for one payment of one session, and where it is away nothing is held', async () => {
    const asked: unknown[] = []
    const refusal = { code: 'wallet_unavailable', detail: 'It is away.' } as const
    const away = { ...real, signTransfer: () => Promise.reject(new PurserError(refusal)) }
    const wallet = {
      ...away,
      forPayment: (purpose: unknown) => {
        asked.push(purpose)
        return asked.length === 1 ? away : real
      },
    }
    await using rig = await startRig({ wallet })
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'refuse', refusal: { ...refusal, moneyState: 'none' } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'answer' })
    expect(asked).toHaveLength(2)
    expect(asked[0]).toEqual({ sessionId: expect.any(String), paymentId: expect.any(String) })
  })

  it('has what pays on Solana beside it, whose key is here', async () => {
    const solana = createSolanaWallet(new Uint8Array(32).fill(7))
    await using rig = await startRig({ wallet: { ...real, solana, forPayment: () => real } })
    const [rail] = rig.deps.rails
    if (!rail) throw new Error('no rail')
    const authorized = vi.spyOn(rail, 'authorize')
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'answer' })
    expect(authorized.mock.lastCall?.[1].solana).toBe(solana)
  })
})

describe('G2: a wallet that remembers what it signed', () => {
  it('is asked once the reservation is on disk', async () => {
    const asked: unknown[] = []
    const wallet = {
      ...real,
      forPayment: (purpose: unknown) => {
        asked.push(purpose)
        return real
      },
    }
    const disk = new HeldDisk()
    await using rig = await startRig({ wallet, flush: disk.flush })
    disk.hold()
    const paying = rig.pay(() => settled())
    const goOn = await disk.asked()
    expect(asked).toEqual([])
    disk.release()
    goOn()
    expect(await paying).toMatchObject({ kind: 'answer' })
    expect(asked).toHaveLength(1)
  })
})

describe('G5: what people agreed to is what is signed', () => {
  it('an approval for anything else signs nothing, frees the money, and says so', async () => {
    let signatures = 0
    const wallet = {
      ...real,
      signTransfer: (...given: Parameters<typeof real.signTransfer>) => {
        signatures++
        return real.signTransfer(...given)
      },
    }
    await using rig = await startGoverned(ASKING, { wallet })
    const { approvals } = rig.people
    const claim = approvals.claim.bind(approvals)
    approvals.claim = async (...asked) => {
      const claimed = await claim(...asked)
      return claimed && { ...claimed, digest: 'of another offer' }
    }
    const paying = rig.pay(() => settled())
    await untilTold(rig, 1)
    await rig.approve()
    const outcome = await paying
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'conflict', moneyState: 'none' } })
    expect({ sent: rig.sent, signatures }).toEqual({ sent: [], signatures: 0 })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
  })
})

describe('G2: signing and journalling come before sending', () => {
  it('a wallet that fails leaves nothing sent and nothing held', async () => {
    const wallet = { ...real, signTransfer: () => Promise.reject(new Error('the device is locked')) }
    await using rig = await startRig({ wallet })
    const outcome = await rig.pay(() => settled())
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'internal_error', moneyState: 'none' } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
  })

  it('G5: a wallet that signs something else is caught, and nothing leaves', async () => {
    const wallet = {
      ...real,
      signTransfer: (name: string | null, data: Parameters<typeof real.signTransfer>[1]) =>
        real.signTransfer(name, { ...data, value: data.value * 2n }),
    }
    await using rig = await startRig({ wallet })
    expect(await rig.pay(() => settled())).toMatchObject({ kind: 'refuse', refusal: { moneyState: 'none' } })
    expect(rig.sent).toEqual([])
    expect(await rig.balance()).toMatchObject({ held: 0n })
  })

  it('a ledger that cannot journal the authorization keeps it from leaving', async () => {
    await using rig = await startRig()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      if (result.kind === 'reserved') result.reservation.record = () => Promise.reject(refused('ledger_unavailable', 'the disk is full'))
      return result
    }
    const outcome = await rig.pay(() => settled())
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'ledger_unavailable', moneyState: 'none' } })
    expect(rig.sent).toEqual([])
  })
})
