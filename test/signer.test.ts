/** The signer as a process: how it starts, what it lets in, and what stays when it is killed. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { authorizationTypes } from '@x402/evm'
import { recoverTypedDataAddress } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encryptKeystore } from '../src/wallet/keystore.ts'
import { createSignerWallet, type SignerWallet } from '../src/wallet/signer-wallet.ts'
import type { TransferAuthorization } from '../src/wallet/wallet.ts'
import { MAIN } from './program.ts'
import { makeSignerFolder, type SignerFolder } from './signer-process.ts'
import { USDC } from './testnet/chain.ts'

const TO = '0x1111111111111111111111111111111111111111'
let place: SignerFolder
beforeEach(async () => {
  place = await makeSignerFolder()
})
afterEach(() => place[Symbol.asyncDispose]())

const nonceAt = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const
const transferOf = (from: `0x${string}`, n: number, value: bigint): TransferAuthorization => ({
  domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC },
  ...{ from, to: TO, value, validAfter: 0n, validBefore: BigInt(Math.floor(Date.now() / 1000) + 60), nonce: nonceAt(n) },
})
const pay = (wallet: SignerWallet, from: `0x${string}`, n: number, value = 10_000_000n) =>
  wallet.forPayment({ sessionId: 's1', paymentId: `p${n}` }).signTransfer(null, transferOf(from, n, value))
/** A ledger that knows every payment. */
const nonceOf = async (id: string) => nonceAt(Number(id.slice(1)))

describe('the signer process', () => {
  it('signs, and its counters survive a SIGKILL', async () => {
    const first = await place.start()
    const { address } = first
    await using wallet = createSignerWallet({ socket: place.socket, address, nonceOf })
    await pay(wallet, address, 1)
    await pay(wallet, address, 2)
    await first.end('SIGKILL')
    await expect(pay(wallet, address, 3)).rejects.toMatchObject({ refusal: { code: 'wallet_unavailable' } })
    await place.start()
    await expect(pay(wallet, address, 3)).rejects.toMatchObject({ refusal: { code: 'spending_limit_exceeded' } })
    expect(await pay(wallet, address, 4, 5_000_000n)).toMatch(/^0x[0-9a-f]{130}$/)
  })

  it('killed while many wait: what was answered is in the journal, and nothing more than the cap ever is', async () => {
    const first = await place.start()
    const { address } = first
    await using wallet = createSignerWallet({ socket: place.socket, address, nonceOf })
    await wallet.readiness()
    let answered = 0
    const all = Array.from({ length: 400 }, (_, n) =>
      pay(wallet, address, n, 50_000n).then(() => {
        if (++answered === 100) void first.end('SIGKILL')
      }),
    )
    await Promise.allSettled(all)
    await first.end()
    const lines = (await readFile(place.journal, 'utf8')).split('\n').filter((line) => line.endsWith('}'))
    expect(lines.length).toBeGreaterThanOrEqual(answered)
    await place.start()
    const left = 25_000_000n - BigInt(lines.length) * 50_000n
    if (left >= 50_000n) expect(await pay(wallet, address, 900, 50_000n)).toMatch(/^0x/)
    await expect(pay(wallet, address, 901, left > 10_000_000n ? 10_000_001n : left + 1n)).rejects.toMatchObject({
      refusal: { code: 'spending_limit_exceeded' },
    })
  })

  it('a ledger that does not know the newest payment is refused, until an operator accepts it', async () => {
    const first = await place.start()
    const { address } = first
    {
      await using wallet = createSignerWallet({ socket: place.socket, address, nonceOf })
      await pay(wallet, address, 1, 1_000_000n)
      await pay(wallet, address, 2, 1_000_000n)
    }
    await using older = createSignerWallet({ socket: place.socket, address, nonceOf: async (id) => (id === 'p2' ? undefined : nonceAt(1)) })
    await expect(pay(older, address, 3)).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    expect(await older.readiness()).toEqual([expect.stringContaining('it is an older copy')])
    await first.end('SIGTERM')
    await place.start(['--accept-restored-ledger'])
    expect(await older.readiness()).toEqual([])
    expect(await pay(older, address, 3)).toMatch(/^0x/)
    await expect(pay(older, address, 4, 10_000_000n).then(() => pay(older, address, 5))).rejects.toMatchObject({
      refusal: { code: 'spending_limit_exceeded' },
    })
  })

  it('ends the connection of a stranger, of a malformed and of an oversized frame, and goes on with others', async () => {
    const { address } = await place.start()
    await using wallet = createSignerWallet({ socket: place.socket, address, nonceOf })
    const frame = (text: string) => Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer).reverse(), Buffer.from(text)])
    const hello = frame(JSON.stringify({ id: 1, op: 'hello', token: 'a guess' }))
    const cancel = frame(JSON.stringify({ id: 1, op: 'prove', paymentId: 'p', nonce: nonceAt(1) }))
    for (const bytes of [
      hello,
      cancel,
      frame('{'),
      frame('{"id":1,"op":"bytes"}'),
      Buffer.alloc(4, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n'),
    ]) {
      const socket = connect(place.socket)
      const said: Buffer[] = []
      socket.on('data', (chunk) => said.push(chunk))
      const closed = new Promise((end) => socket.once('close', end))
      socket.on('error', () => undefined)
      socket.write(bytes)
      await closed
      expect(Buffer.concat(said).toString()).toBe('')
    }
    expect(await wallet.readiness()).toEqual([])
    expect(await pay(wallet, address, 1)).toMatch(/^0x/)
  })

  it('lets nobody else in: modes, a second signer, and a folder of others', async () => {
    const first = await place.start()
    const modes = await Promise.all([place.socket, `${place.socket}.token`, place.journal, place.keyFile].map((path) => stat(path)))
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600])
    await expect(place.start()).rejects.toThrow(/Another signer/)
    if (process.platform === 'linux')
      await expect(place.start(['--socket', join(place.folder, 'other')])).rejects.toThrow(/uses the journal/)
    await chmod(place.folder, 0o755)
    await using wallet = createSignerWallet({ socket: place.socket, address: first.address, nonceOf })
    expect(await wallet.readiness()).toEqual([expect.stringContaining('modes 0600 and 0700')])
    await first.end('SIGTERM')
    await expect(place.start()).rejects.toThrow(/chmod 700/)
  })

  it('is not the signer of another address', async () => {
    await place.start()
    await using wallet = createSignerWallet({ socket: place.socket, address: TO, nonceOf })
    expect(await wallet.readiness()).toEqual([expect.stringContaining(`not the signer of ${TO}`)])
  })

  it('does not run under an inspector or with heap snapshots', () => {
    const at = (name: string) => join(place.folder, name)
    const argv = ['--key', `file:${at('k')}`, '--socket', at('s'), '--journal', at('j'), '--asset', `eip155:1/${USDC}`]
    const caps = ['--max-per-payment', '1', '--max-per-session', '1', '--max-per-day', '1']
    for (const [flags, env] of [
      [['--inspect=127.0.0.1:0'], {}],
      [['--heapsnapshot-signal=SIGUSR2'], {}],
      [[], { NODE_OPTIONS: '--report-on-signal' }],
    ] as const) {
      const ran = spawnSync(process.execPath, [...flags, MAIN, 'signer', ...argv, ...caps], {
        env: { PATH: process.env.PATH, ...env },
        timeout: 10_000,
      })
      expect(ran.status).toBe(1)
      expect(ran.stderr.toString()).toContain('does not run where an inspector')
    }
  })

  it.runIf(process.platform === 'linux')(
    'has no environment, no core dump, no debugger by signal, and says nothing of its arguments',
    async () => {
      const one = await place.start([], { PATH: process.env.PATH, SECRET_OF_ANOTHER: 'canary' })
      const proc = (name: string) => readFileSync(`/proc/${one.process.pid}/${name}`, 'utf8')
      expect(proc('environ')).not.toContain('canary')
      expect(proc('limits')).toMatch(/Max core file size +0 +0 /)
      expect(proc('cmdline')).not.toContain(place.keyFile)
      one.process.kill('SIGUSR1')
      await using wallet = createSignerWallet({ socket: place.socket, address: one.address, nonceOf })
      expect(await wallet.readiness()).toEqual([])
      expect(one.process.stderr?.read()?.toString() ?? '').not.toContain('Debugger listening')
    },
  )

  it('signs with a key that lies encrypted, and does not start without its password or with another one', async () => {
    const key = generatePrivateKey()
    await writeFile(place.keyFile, encryptKeystore(Buffer.from(key.slice(2), 'hex'), 'opens it'), { mode: 0o600 })
    const password = join(place.folder, 'password')
    await writeFile(password, 'opens it\n', { mode: 0o600 })
    await expect(place.start()).rejects.toThrow(/password/)
    const other = { PATH: process.env.PATH, OTHER: 'opens nothing' }
    await expect(place.start(['--password', 'env:OTHER'], other)).rejects.toThrow(/password/)
    const { address } = await place.start(['--password', `file:${password}`])
    expect(address).toBe(privateKeyToAddress(key))
    await using wallet = createSignerWallet({ socket: place.socket, address, nonceOf })
    const { domain, ...message } = transferOf(address, 1, 5n)
    const signature = await wallet.forPayment({ sessionId: 's1', paymentId: 'p1' }).signTransfer(null, { domain, ...message })
    const typed = { domain, types: authorizationTypes, primaryType: 'TransferWithAuthorization', message } as const
    expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(address)
    // What lies in its folder opens nothing.
    for (const name of await readdir(place.folder)) {
      const bytes = await readFile(join(place.folder, name)).catch(() => Buffer.alloc(0))
      expect([name, bytes.includes(key.slice(2)) || bytes.includes(Buffer.from(key.slice(2), 'hex'))]).toEqual([name, false])
    }
  })

  it('ends with 0 when it is asked to, and wrong usage with 2', async () => {
    const one = await place.start()
    expect(await one.end('SIGTERM')).toBe(0)
    expect(spawnSync(process.execPath, [MAIN, 'signer']).status).toBe(2)
    expect(await readdir(place.folder)).toContain('wallet.key')
  })

  it('loads nothing but Node, curves, digests, and what reads a key and a frame', () => {
    expect([...packagesOf('src/signer.ts')].sort()).toEqual(['lru-cache', 'viem', 'viem/accounts', 'viem/siwe', 'zod'])
  })
})

/** Of all modules that are reached by imports, those that are not ours. */
function packagesOf(start: string): Set<string> {
  const root = resolve(import.meta.dirname, '..')
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path) || !existsSync(path)) return
    seen.add(path)
    for (const [, from = ''] of readFileSync(path, 'utf8').matchAll(
      /^(?:import|export) (?!type )(?:[\w*, ]+|(?:\w+, )?\{[^}]*\}) from '([^']+)'/gm,
    )) {
      if (from.startsWith('.')) visit(resolve(dirname(path), from))
      else if (!from.startsWith('node:')) packages.add(from)
    }
  }
  visit(resolve(root, start))
  return packages
}
