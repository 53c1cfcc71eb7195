import { verifyTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { PRESIGNED_AT_ONCE } from '../../src/presigned-limits.ts'
import { presign, readPresigned } from '../../src/wallet/presigned-file.ts'
import { typedTransfer } from './operations.ts'
import { DOMAIN, FROM, PAY_TO, requestOf, START_S, signer } from './presigned-at-hand.ts'

interface Text {
  [member: string]: unknown
  transfers: { nonce: string; signature: string }[]
}
/** The file with something else in it. */
async function changed(change: (file: Text) => void): Promise<string> {
  const file = JSON.parse(await presign(signer, requestOf())) as Text
  change(file)
  return JSON.stringify(file)
}
const read = (text: string, from = FROM) => readPresigned(text, from)

describe('a file of presigned transfers', () => {
  it('holds as many as were asked for, each of its own nonce, each signed as any token takes it', async () => {
    const transfers = await read(await presign(signer, requestOf({ count: 5 })))
    expect(new Set(transfers.map(({ nonce }) => nonce)).size).toBe(5)
    for (const { signature, ...transfer } of transfers) {
      expect(transfer).toMatchObject({ domain: DOMAIN, from: FROM, to: PAY_TO, value: 1_000n, validBefore: BigInt(START_S + 3_600) })
      expect(await verifyTypedData({ ...typedTransfer(transfer), address: FROM, signature })).toBe(true)
    }
  })

  it.each<[string, (file: Text) => void]>([
    ['recipient', (file) => (file.to = FROM.toLowerCase())],
    ['amount', (file) => (file.value = '1001')],
    ['end', (file) => (file.validBefore = START_S + 3_601)],
    ['beginning', (file) => (file.validAfter = 0)],
    ['token', (file) => (file.domain = { ...DOMAIN, verifyingContract: PAY_TO })],
    ['chain', (file) => (file.domain = { ...DOMAIN, chainId: 8453 })],
    ['nonce', (file) => ((file.transfers[1] ?? { nonce: '' }).nonce = `0x${'1'.repeat(64)}`)],
    ['signature', (file) => ((file.transfers[1] ?? { signature: '' }).signature = file.transfers[0]?.signature ?? '')],
  ])('G5: with another %s than was signed is refused', async (_, change) => {
    await expect(read(await changed(change))).rejects.toThrow(/^the signature of transfer [12] is not one of 0x/)
  })

  it.each<[string, (file: Text) => void, string]>([
    ['another version', (file) => (file.version = 2), '(version)'],
    ['an unknown member', (file) => (file.more = 1), '(whole file)'],
    ['an amount of nothing', (file) => (file.value = '0'), '(value)'],
    ['no transfers', (file) => (file.transfers = []), '(transfers)'],
    ['a window that ends before it begins', (file) => (file.validAfter = START_S + 3_600), 'no window'],
    ['a nonce twice', (file) => file.transfers.push(...file.transfers.slice(0, 1)), 'twice'],
  ])('with %s is refused, and nothing of it is shown', async (_, change, said) => {
    const text = await changed(change)
    const fault = await read(text).catch(({ message }: Error) => message)
    expect(fault).toContain(said)
    expect(fault).not.toContain('signature":')
  })

  it('is read in small steps, so that payments go on meanwhile', async () => {
    const text = await presign(signer, requestOf({ count: 2 * PRESIGNED_AT_ONCE + 1 }))
    let turns = 0
    const count = () => {
      turns += 1
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    await read(text)
    clearImmediate(timer)
    expect(turns).toBeGreaterThanOrEqual(2)
  })

  it('of another address is refused, as is what is no JSON', async () => {
    await expect(read(await presign(signer, requestOf()), PAY_TO)).rejects.toThrow(`its transfers are from ${FROM}, not from ${PAY_TO}`)
    await expect(read('canary')).rejects.toThrow('it is no file of presigned transfers')
  })
})
