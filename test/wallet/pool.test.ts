import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PRESIGNED_LOOK_MS } from '../../src/presigned-limits.ts'
import { openPoolWallet } from '../../src/wallet/pool.ts'
import { readPresigned } from '../../src/wallet/presigned-file.ts'
import type { Presigned, TransferAuthorization, WantedTransfer } from '../../src/wallet/wallet.ts'
import { testClock } from '../clock.ts'
import { cancelOf, loginOf, permitOf, transferOf } from './operations.ts'
import { DOMAIN, FROM, PAY_TO, START_S, signer, writePool } from './presigned-at-hand.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-pool-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
/** `used`: what the ledger knows, which a test may add to. */
async function open(names: readonly string[], { longest_ms = 86_400_000 } = {}) {
  const used = new Set<string>()
  const told: string[] = []
  const clock = testClock()
  const wallet = await openPoolWallet({
    ...{ address: FROM, files: names.map(at), longest_ms, clock },
    used: async (nonces) => nonces.filter((nonce) => used.has(nonce)),
    warned: (sentence) => told.push(sentence),
  })
  const { presigned } = wallet
  if (!presigned) throw new Error('a pool has what was signed beforehand')
  return { wallet, presigned, used, told, clock }
}

function wanted(changes: Partial<WantedTransfer> = {}): WantedTransfer {
  const now_s = changes.now_s ?? START_S
  return { domain: DOMAIN, to: PAY_TO, value: 1_000n, now_s, until_s: now_s + 60, shown: '0.001 USDC', symbol: 'USDC', ...changes }
}

async function take(presigned: Presigned, changes: Partial<WantedTransfer> = {}) {
  const taken = await presigned.take(wanted(changes))
  return 'code' in taken ? taken.code : taken.nonce
}

describe('a pool', () => {
  it('gives each transfer to one who asks, until there is none; what is given back can be had again', async () => {
    await writePool(at('a'))
    const { presigned } = await open(['a'])
    const taken = [await take(presigned), await take(presigned), await take(presigned)]
    expect(new Set(taken).size).toBe(3)
    expect(await take(presigned)).toBe('wallet_insufficient')
    const [first = ''] = taken
    presigned.giveBack(`0x${first.slice(2)}`)
    expect(await take(presigned)).toBe(first)
    presigned.spent(`0x${first.slice(2)}`)
    presigned.giveBack(`0x${first.slice(2)}`)
    expect(await take(presigned)).toBe('wallet_insufficient')
  })

  it('says with the refusal how more are signed', async () => {
    await writePool(at('a'))
    const { presigned } = await open(['a'])
    expect(await presigned.bar(wanted())).toBeUndefined()
    expect(await presigned.bar(wanted({ value: 5_000n, shown: '0.005 USDC' }))).toMatchObject({
      code: 'wallet_insufficient',
      detail: expect.stringContaining(`of 0.005 USDC to ${PAY_TO} on eip155:84532`),
      nextAction: expect.stringContaining(`--recipient ${PAY_TO} --amount 0.005 --asset USDC --network eip155:84532`),
    })
  })

  it.each<[string, Partial<WantedTransfer>]>([
    ['another recipient', { to: FROM }],
    ['a higher price', { value: 1_001n }],
    ['a lower price', { value: 999n }],
    ['another token', { domain: { ...DOMAIN, verifyingContract: PAY_TO } }],
    ['another chain', { domain: { ...DOMAIN, chainId: 8453 } }],
    ['another version of the token', { domain: { ...DOMAIN, version: '1' } }],
  ])('has nothing for %s', async (_, changes) => {
    await writePool(at('a'))
    const { presigned } = await open(['a'])
    expect(presigned.knows(wanted(changes))).toBe(false)
    expect(await take(presigned, changes)).toBe('wallet_insufficient')
    expect(presigned.knows(wanted())).toBe(true)
  })

  it('gives what lives long enough and not too long, that which ends first before others', async () => {
    await writePool(at('short'), { count: 1, validBefore_s: START_S + 60 })
    await writePool(at('long'), { count: 1, validBefore_s: START_S + 7_200 })
    await writePool(at('later'), { count: 1, validAfter_s: START_S + 10, validBefore_s: START_S + 61 })
    const { presigned } = await open(['long', 'short', 'later'], { longest_ms: 3_600_000 })
    const first = await presigned.take(wanted())
    expect(first).toMatchObject({ validBefore_s: START_S + 60 })
    // The long one is too long yet, and the later one has not begun.
    expect(await take(presigned)).toBe('wallet_insufficient')
    expect(await presigned.take(wanted({ now_s: START_S + 10, until_s: START_S + 61 }))).toMatchObject({ code: 'wallet_insufficient' })
    expect(await presigned.take(wanted({ now_s: START_S + 11, until_s: START_S + 61 }))).toMatchObject({ validBefore_s: START_S + 61 })
    expect(await presigned.take(wanted({ now_s: START_S + 3_600 }))).toMatchObject({ validBefore_s: START_S + 7_200 })
  })

  it('does not give what payments have, of whichever process, as the ledger knows', async () => {
    const path = await writePool(at('a'))
    const { presigned, used } = await open(['a'])
    const transfers = await readPresigned(await readFile(path, 'utf8'), FROM)
    const [first, second, third] = transfers.map(({ nonce }) => nonce)
    if (!first || !second || !third) throw new Error('three were signed')
    used.add(first)
    expect([await take(presigned), await take(presigned)].sort()).toEqual([second, third].sort())
    expect(await take(presigned)).toBe('wallet_insufficient')
    presigned.giveBack(second)
    used.add(second)
    expect([await presigned.isSpent(second), await presigned.isSpent(third)]).toEqual([true, false])
    expect(await take(presigned)).toBe('wallet_insufficient')
  })

  it('pays nothing where the ledger cannot say what was used', async () => {
    await writePool(at('a'))
    const wallet = await openPoolWallet({
      ...{ address: FROM, files: [at('a')], longest_ms: 86_400_000, clock: testClock(), warned: () => undefined },
      used: () => Promise.reject(new Error('the ledger is away')),
    })
    await expect(wallet.presigned?.take(wanted())).rejects.toThrow('the ledger is away')
    await expect(wallet.presigned?.bar(wanted())).rejects.toThrow('the ledger is away')
  })

  it('is refilled by another file in the place of the old one, without a restart; what was used does not come again', async () => {
    await writePool(at('a'), { count: 2 })
    const { presigned, used, clock, told } = await open(['a'])
    const before = [await take(presigned), await take(presigned)]
    for (const nonce of before) {
      presigned.spent(`0x${nonce.slice(2)}`)
      used.add(nonce)
    }
    expect(told).toEqual([expect.stringContaining('(a) is used up')])
    await writePool(at('b'), { count: 1 })
    await rename(at('b'), at('a'))
    expect(await take(presigned)).toBe('wallet_insufficient')
    clock.advance(PRESIGNED_LOOK_MS)
    const fresh = await take(presigned)
    expect(fresh).toMatch(/^0x[0-9a-f]{64}$/)
    expect(before).not.toContain(fresh)
    expect(await take(presigned)).toBe('wallet_insufficient')
  })

  it('tells once that it runs low, and how many are left of each file', async () => {
    await writePool(at('a.json'), { count: 20 })
    await writePool(at('b.json'), { count: 1, value: 7n })
    const { presigned, told, wallet } = await open(['a.json', 'b.json'])
    for (let spent = 0; spent < 19; spent += 1) presigned.spent(`0x${(await take(presigned)).slice(2)}`)
    expect(told).toEqual([`The pool for ${PAY_TO} (a) has 2 of 20 transfers left. Sign more with: purser wallet presign`])
    expect(await presigned.left()).toEqual([
      { pool: 'a', left: 1 },
      { pool: 'b', left: 1 },
    ])
    expect(await wallet.readiness?.()).toEqual([])
  })

  it('is not ready where all of it has ended', async () => {
    await writePool(at('a'))
    const { wallet, clock, presigned } = await open(['a'])
    clock.advance(3_601_000)
    expect(await wallet.readiness?.()).toEqual([expect.stringContaining('no transfer left that can be used')])
    expect(await presigned.left()).toEqual([{ pool: 'a', left: 0 }])
  })

  it('G5: hands out a signature for the very transfer that was signed, and signs nothing else', async () => {
    await writePool(at('a'), { count: 1 })
    const { wallet, presigned } = await open(['a'])
    const taken = await presigned.take(wanted())
    if ('code' in taken) throw new Error(taken.detail)
    const { nonce, validAfter_s, validBefore_s } = taken
    expect(presigned.window(nonce)).toEqual(taken)
    const window = { validAfter: BigInt(validAfter_s), validBefore: BigInt(validBefore_s) }
    const transfer: TransferAuthorization = { domain: DOMAIN, from: FROM, to: PAY_TO, value: 1_000n, nonce, ...window }
    expect(await wallet.signTransfer(null, transfer)).toBe(await signer.signTransfer(null, transfer))
    const none = { refusal: { code: 'internal_error' } }
    for (const other of [{ ...transfer, value: 1_001n }, { ...transfer, to: FROM }, { ...transfer, validBefore: 0n }, transferOf(FROM)])
      await expect(wallet.signTransfer(null, other)).rejects.toMatchObject(none)
    const keyless = { refusal: { code: 'conflict', detail: expect.stringContaining('has no key') } }
    await expect(wallet.signCancel(null, cancelOf(FROM))).rejects.toMatchObject(keyless)
    await expect(wallet.signPermit(null, permitOf(FROM))).rejects.toMatchObject(keyless)
    await expect(wallet.signLogin(null, loginOf(FROM))).rejects.toMatchObject(keyless)
    await expect(wallet.address('ses_1')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    expect(inspect(wallet, { depth: 10 })).toBe(`Wallet { ${FROM} }`)
  })

  it('does not open where a file is missing', async () => {
    await expect(open(['a'])).rejects.toThrow(/^The pool .* cannot be used: there is no such file\.$/)
  })
})
