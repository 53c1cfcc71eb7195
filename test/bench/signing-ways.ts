/**
 * Signing by each way that a wallet can be configured, against a key in this process: a key for each session, a signer
 * process with its durable journal, an HTTP signer on loopback. The same transfer each time, with a nonce of its own.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { createRemoteWallet } from '../../src/wallet/remote.ts'
import { createSignerWallet } from '../../src/wallet/signer-wallet.ts'
import type { Hex, TransferAuthorization, Wallet } from '../../src/wallet/wallet.ts'
import { makeSignerFolder } from '../signer-process.ts'
import { transferOf } from '../wallet/operations.ts'
import { startTestSigner } from '../wallet/signer-at.ts'
import { shown, type Table } from './report.ts'
import { Durations, median, percentile, ratioOf } from './statistics.ts'

const ROUNDS = 5
const AT_ONCE = [1, 32, 256] as const
const MAX_DURATIONS = 200_000
/** Whole tokens: the signer's caps are there, and far away. */
const CAPS = { payment: '1', session: '1000000', day: '1000000' }

/** `sign` gives a signature over the transfer of the turn. */
interface Way {
  readonly name: string
  /** It is all work of this thread: more at once are no faster. */
  readonly aloneOnly?: true
  readonly sign: () => Promise<Hex>
}

interface Round {
  readonly rate: number
  readonly p50_ms: number
  readonly p99_ms: number
}

/** Three tables: one at a time, 32 and 256 at once. @throws Error where two ways to the same key do not sign the same. */
export async function signingWays({
  duration_ms,
  main,
}: {
  readonly duration_ms: number
  readonly main: string
}): Promise<readonly Table[]> {
  await using started = new AsyncDisposableStack()
  const ways = await openWays(started, main)
  const tables: Table[] = []
  for (const atOnce of AT_ONCE) {
    const contenders = ways.filter(({ aloneOnly }) => !aloneOnly || atOnce === 1)
    const rounds = contenders.map((): Round[] => [])
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [at, way] of contenders.entries()) {
        const measured = await measure(way, { atOnce, duration_ms })
        // The first is for caches, compilers and connections.
        if (round > 0) rounds[at]?.push(measured)
      }
    }
    tables.push(tableOf(atOnce, contenders, rounds))
  }
  return tables
}

async function openWays(started: AsyncDisposableStack, main: string): Promise<readonly Way[]> {
  const folder = started.use(await makeSignerFolder(CAPS, main))
  const { address } = await folder.start()
  const key = (await readFile(folder.keyFile, 'utf8')).trim()
  if (!/^0x[0-9a-f]{64}$/.test(key)) throw new Error('the signer’s key file is none')
  const local = createLocalWallet({ key: `0x${key.slice(2)}` })
  const remoteSigner = started.use(await startTestSigner(key))
  const remote = createRemoteWallet({ url: `${remoteSigner.url}/`, address, token: undefined, timeout_ms: 30_000, fetch })
  const signer = started.use(createSignerWallet({ socket: folder.socket, address, nonceOf: async () => undefined }))
  const behindSocket = signer.forPayment({ sessionId: 'ses_bench', paymentId: 'pay_bench' })
  await agree([local, remote, behindSocket], address)
  const derived = createDerivedWallet({ seed: randomBytes(32) })
  const known = await derived.address('ses_known')
  return [
    { name: 'a key in this process', sign: signWith(local, address) },
    { name: 'derived, a session that is known', sign: async () => derived.signTransfer('ses_known', fresh(known)) },
    {
      name: 'derived, the first use of a session',
      aloneOnly: true,
      sign: async () => {
        const session = `ses_${randomBytes(16).toString('hex')}`
        return derived.signTransfer(session, fresh(await derived.address(session)))
      },
    },
    { name: 'a signer process, each on disk first', sign: signWith(behindSocket, address) },
    { name: 'an HTTP signer on loopback, by viem', sign: signWith(remote, address) },
  ]
}

const signWith = (wallet: Wallet, payer: Hex) => () => wallet.signTransfer(null, fresh(payer))

function fresh(payer: Hex): TransferAuthorization {
  const validBefore = BigInt(Math.floor(Date.now() / 1_000) + 120)
  return { ...transferOf(payer, 1n), validBefore, nonce: `0x${randomBytes(32).toString('hex')}` }
}

async function agree(wallets: readonly Wallet[], payer: Hex): Promise<void> {
  const same = fresh(payer)
  const signatures = await Promise.all(wallets.map((wallet) => wallet.signTransfer(null, same)))
  if (new Set(signatures).size !== 1) throw new Error('the ways to one key do not sign the same')
}

async function measure({ sign }: Way, { atOnce, duration_ms }: { readonly atOnce: number; readonly duration_ms: number }): Promise<Round> {
  const durations = new Durations(MAX_DURATIONS)
  const began = performance.now()
  const until = began + duration_ms
  const one = async () => {
    while (performance.now() < until) {
      const asked = performance.now()
      await sign()
      durations.add(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  const sorted = durations.sorted()
  const rate = (durations.count / (performance.now() - began)) * 1_000
  return { rate, p50_ms: percentile(sorted, 0.5), p99_ms: percentile(sorted, 0.99) }
}

function tableOf(atOnce: number, ways: readonly Way[], rounds: readonly (readonly Round[])[]): Table {
  const of = (at: number, member: keyof Round) => (rounds[at] ?? []).map((round) => round[member])
  const rows = ways.map(({ name }, at) => [
    name,
    shown(median(of(at, 'rate')), 0),
    shown(ratioOf(of(at, 'rate'), of(0, 'rate')), 3),
    shown(median(of(at, 'p50_ms')), 3),
    shown(median(of(at, 'p99_ms')), 3),
  ])
  return { rows: [[`signing by each way, ${atOnce} at once`, 'signatures/s', '÷ this process', 'p50 ms', 'p99 ms'], ...rows] }
}
