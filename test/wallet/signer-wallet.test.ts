/** The proxy's side, with signers that are away or wrong. A real one is in `test/signer.test.ts`. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSignerWallet } from '../../src/wallet/signer-wallet.ts'

const ADDRESS = '0x1111111111111111111111111111111111111111'
const domain = { name: 'a', version: '1', chainId: 1, verifyingContract: ADDRESS } as const
const cancel = { domain, authorizer: ADDRESS, nonce: `0x${'11'.repeat(32)}` } as const
let folder: string
let socket: string
let server: Server | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-wallet-'))
  socket = join(folder, 'socket')
})
afterEach(async () => {
  server?.close()
  server = undefined
  await rm(folder, { recursive: true, force: true })
})
const walletHere = () => createSignerWallet({ socket, address: ADDRESS, nonceOf: async () => undefined })

async function answerWith(bytes: (id: number) => Buffer | undefined): Promise<void> {
  server = createServer((visit) => {
    visit.on('error', () => undefined)
    visit.on('data', (chunk) => {
      const said = bytes(JSON.parse(chunk.subarray(4).toString()).id)
      if (said) visit.write(said)
      else visit.destroy()
    })
  })
  await new Promise<void>((ready) => server?.listen(socket, ready))
  await chmod(socket, 0o600)
  await writeFile(`${socket}.token`, 'token')
}
const frame = (message: unknown) => {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

describe('a wallet whose signer', () => {
  it('is away knows its address all the same, and refuses to sign', async () => {
    await using wallet = walletHere()
    expect(await wallet.address(null)).toBe(ADDRESS)
    await expect(wallet.signCancel(null, cancel)).rejects.toMatchObject({ refusal: { code: 'wallet_unavailable' } })
    expect(await wallet.readiness()).toEqual([expect.stringContaining('start it with `purser signer`')])
    await expect(wallet.address('other')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })

  it.each<[string, (id: number) => Buffer | undefined]>([
    ['hangs up', () => undefined],
    ['says what is no answer', () => frame({ id: 1, kind: 'signed', signature: '0x' })],
    ['answers what nobody asked', () => frame({ id: 99, kind: 'proven' })],
    ['says more than a frame holds', () => Buffer.alloc(8, 0xff)],
    ['is of another wallet', (id) => frame({ id, kind: 'known', address: `0x${'22'.repeat(20)}`, head: null })],
  ])('%s is not used', async (_, bytes) => {
    await answerWith(bytes)
    await using wallet = walletHere()
    await expect(wallet.signCancel(null, cancel)).rejects.toMatchObject({ refusal: { code: 'wallet_unavailable' } })
  })

  it('comes back is used again by the next signature', async () => {
    let times = 0
    await answerWith((id) => {
      times++
      if (times === 1) return undefined
      return frame(
        id === 1 ? { id, kind: 'known', address: ADDRESS, head: null } : { id, kind: 'signed', signature: `0x${'22'.repeat(65)}` },
      )
    })
    await using wallet = walletHere()
    await expect(wallet.signCancel(null, cancel)).rejects.toMatchObject({ refusal: { code: 'wallet_unavailable' } })
    expect(await wallet.signCancel(null, cancel)).toBe(`0x${'22'.repeat(65)}`)
  })

  it('signs transfers for payments only', async () => {
    await using wallet = walletHere()
    const data = { domain, from: ADDRESS, to: ADDRESS, value: 1n, validAfter: 0n, validBefore: 1n, nonce: cancel.nonce } as const
    await expect(wallet.signTransfer(null, data)).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
  })
})
