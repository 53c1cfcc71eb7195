import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createSignerDoor, OLDER } from '../../src/wallet/signer-door.ts'
import { createFrameReader, frameOf, readAnswer, type SignerAnswer, type SignerAsk } from '../../src/wallet/signer-frames.ts'

const ADDRESS = `0x${'ab'.repeat(20)}` as const
const NONCE = `0x${'11'.repeat(32)}` as const
const SIGNATURE = `0x${'22'.repeat(65)}` as const

it('signs no payment before the ledger has shown that it knows the newest one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-door-'))
  const path = join(folder, 'socket')
  const desk = {
    address: ADDRESS,
    head: { paymentId: 'p7', nonce: NONCE },
    answer: async () => ({ kind: 'signed', signature: SIGNATURE }) as const,
  }
  const door = createSignerDoor({ desk, token: 'right' })
  await new Promise<void>((ready) => door.listen(path, ready))
  const socket = connect(path)
  const waiting: ((answer: SignerAnswer) => void)[] = []
  const read = createFrameReader()
  socket.on('data', (chunk) => {
    for (const frame of read(chunk)) waiting.shift()?.(readAnswer(frame))
  })
  const ask = (message: SignerAsk) =>
    new Promise<SignerAnswer>((resolve) => {
      waiting.push(resolve)
      socket.write(frameOf({ ...message, id: waiting.length }))
    })
  const domain = { name: 'a', version: '1', chainId: 1, verifyingContract: ADDRESS }
  const data = { domain, from: ADDRESS, to: ADDRESS, value: 1n, validAfter: 0n, validBefore: 9n, nonce: NONCE }
  const pay = { op: 'transfer', purpose: { sessionId: 's', paymentId: 'p' }, data } as const
  expect(await ask({ op: 'hello', token: 'right' })).toMatchObject({ kind: 'known', head: 'p7' })
  expect(await ask(pay)).toMatchObject({ kind: 'refused', detail: OLDER })
  expect(await ask({ op: 'cancel', data: { domain, authorizer: ADDRESS, nonce: NONCE } })).toMatchObject({ kind: 'signed' })
  expect(await ask({ op: 'prove', paymentId: 'p7', nonce: `0x${'0'.repeat(64)}` })).toMatchObject({ kind: 'refused' })
  expect(await ask({ op: 'prove', paymentId: 'p6', nonce: NONCE })).toMatchObject({ kind: 'refused' })
  expect(await ask(pay)).toMatchObject({ kind: 'refused' })
  expect(await ask({ op: 'prove', paymentId: 'p7', nonce: NONCE })).toMatchObject({ kind: 'proven' })
  expect(await ask(pay)).toMatchObject({ kind: 'signed', signature: SIGNATURE })
  socket.destroy()
  door.close()
  await rm(folder, { recursive: true, force: true })
})
