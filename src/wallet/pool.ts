/**
 * A wallet without a key: it hands out transfers that were signed beforehand (`purser wallet presign`), each for one
 * payment. That no two payments get the same one is the ledger's doing, in the transaction that reserves; this remembers
 * what the ledger said, so that it seldom has to say no.
 */
import { hash, randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { inspect } from 'node:util'
import { getAddress } from 'viem'
import type { Clock } from '../clock.ts'
import { type Refusal, refused } from '../errors.ts'
import { MAX_PRESIGNED_TRANSFERS, PRESIGNED_LOOK_MS, PRESIGNED_LOW_SHARE } from '../presigned-limits.ts'
import { digestTransfer } from '../transfer-digest.ts'
import { type PoolFile, PoolFiles } from './pool-files.ts'
import { PresignedError, type PresignedTransfer } from './presigned-file.ts'
import type { Hex, Presigned, PresignedWindow, TransferAuthorization, Wallet, WantedTransfer } from './wallet.ts'

export interface PoolOptions {
  /** Who signed. */
  readonly address: Hex
  readonly files: readonly string[]
  /** How long one may still live when it is taken. */
  readonly longest_ms: number
  /** Those of these nonces that payments have, by the ledger, which may be opened later than this. */
  readonly used: (nonces: readonly Hex[]) => Promise<readonly string[]>
  readonly clock: Clock
  readonly warned: (sentence: string, cause?: unknown) => void
}

type State = 'free' | 'aside' | 'spent'

interface Entry {
  readonly transfer: PresignedTransfer
  readonly shelf: Shelf
  state: State
}

/** Transfers of one amount to one recipient, those that end first in front; among equals no two processes have the same order. */
interface Shelf {
  entries: Entry[]
  readonly pools: Set<string>
  /** As many as there were when it was filled last. */
  filled: number
  told: 'nothing' | 'low' | 'empty'
}

/** @throws PresignedError where a file is missing or cannot be used */
export async function openPoolWallet(options: PoolOptions): Promise<Wallet> {
  const own = getAddress(options.address)
  const pool = new Pool({ ...options, address: own })
  await pool.open()
  const nameChecked = (walletName: string | null) => {
    if (walletName !== null && walletName !== 'default')
      throw refused('not_found', 'There is no wallet of this name; the pool is "default".')
  }
  const keyless = async (what: string): Promise<never> => {
    throw refused(
      'conflict',
      `The wallet is a pool of transfers that were signed beforehand, and has no key for ${what}. Nothing was signed.`,
    )
  }
  const wallet: Wallet = {
    async address(walletName) {
      nameChecked(walletName)
      return own
    },
    async signTransfer(walletName, data) {
      nameChecked(walletName)
      return pool.signatureOf(data)
    },
    signCancel: () => keyless('a cancellation'),
    signPermit: () => keyless('a permit'),
    signLogin: () => keyless('a login'),
    presigned: pool,
    readiness: () => pool.readiness(),
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `Wallet { ${own} }` })
  return wallet
}

class Pool implements Presigned {
  readonly #options: PoolOptions
  readonly #files: PoolFiles
  readonly #byNonce = new Map<Hex, Entry>()
  readonly #shelves = new Map<string, Shelf>()
  /** By the monotonic clock. */
  #looked_ms = { files: 0, ledger: Number.NEGATIVE_INFINITY }
  #asking: Promise<void> | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#files = new PoolFiles(options.files, options.address)
  }

  async open(): Promise<void> {
    const problems: string[] = []
    const files = await this.#files.changed((problem) => problems.push(problem))
    if (problems[0] !== undefined) throw new PresignedError(problems[0])
    for (const file of files) this.#add(file)
    this.#looked_ms.files = this.#options.clock.monotonic()
  }

  knows(wanted: WantedTransfer): boolean {
    return this.#shelves.has(keyOf(wanted))
  }

  async bar(wanted: WantedTransfer): Promise<Refusal | undefined> {
    return (await this.#find(wanted)) ? undefined : this.#none(wanted)
  }

  async take(wanted: WantedTransfer): Promise<PresignedWindow | Refusal> {
    const entry = await this.#find(wanted)
    if (!entry) return this.#none(wanted)
    entry.state = 'aside'
    return windowOf(entry)
  }

  spent(nonce: Hex): void {
    const entry = this.#byNonce.get(nonce)
    if (!entry || entry.state === 'spent') return
    entry.state = 'spent'
    entry.shelf.entries = entry.shelf.entries.filter((other) => other !== entry)
    this.#tell(entry)
  }

  giveBack(nonce: Hex): void {
    const entry = this.#byNonce.get(nonce)
    if (entry?.state === 'aside') entry.state = 'free'
  }

  async isSpent(nonce: Hex): Promise<boolean> {
    await this.#refresh()
    return this.#byNonce.get(nonce)?.state === 'spent'
  }

  /** Whoever asks while the ledger is being asked gets an answer that began later. */
  async #refresh(): Promise<void> {
    await this.#asking?.catch(() => undefined)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  window(nonce: Hex): PresignedWindow | undefined {
    const entry = this.#byNonce.get(nonce)
    return entry && windowOf(entry)
  }

  async left(): Promise<readonly { readonly pool: string; readonly left: number }[]> {
    await this.#lookNow()
    const now_s = this.#now_s()
    const pools = new Map(this.#options.files.map((path) => [nameOf(path), 0]))
    for (const { entries, pools: names } of this.#shelves.values()) {
      const left = entries.filter((entry) => isAlive(entry, now_s)).length
      for (const name of names) pools.set(name, (pools.get(name) ?? 0) + left)
    }
    return [...pools].map(([pool, left]) => ({ pool, left }))
  }

  async readiness(): Promise<readonly string[]> {
    // Why the ledger cannot be asked is the ledger's to say.
    await this.#lookNow().catch(() => undefined)
    const now_s = this.#now_s()
    const usable = [...this.#shelves.values()].some(({ entries }) =>
      entries.some((entry) => this.#isUsable(entry, { now_s, until_s: now_s })),
    )
    return usable ? [] : ['The pool has no transfer left that can be used. Sign more with: purser wallet presign']
  }

  /** @throws PurserError `internal_error` where this very transfer was not signed beforehand. */
  signatureOf(data: TransferAuthorization): Hex {
    const entry = this.#byNonce.get(data.nonce)
    const same = entry && Buffer.compare(digestTransfer(entry.transfer), digestTransfer(data)) === 0
    if (!same || data.from !== entry.transfer.from)
      throw refused('internal_error', 'This transfer is none of the pool. Nothing was signed.')
    return entry.transfer.signature
  }

  async #find(wanted: WantedTransfer): Promise<Entry | undefined> {
    if (this.#looked_ms.ledger === Number.NEGATIVE_INFINITY) await this.#refresh()
    return this.#suitable(wanted) ?? ((await this.#readAgain()) ? this.#suitable(wanted) : undefined)
  }

  #suitable(wanted: WantedTransfer): Entry | undefined {
    return this.#shelves.get(keyOf(wanted))?.entries.find((entry) => entry.state === 'free' && this.#isUsable(entry, wanted))
  }

  /** The token takes it after `validAfter` and before `validBefore`. */
  #isUsable({ transfer }: Entry, { now_s, until_s }: Pick<WantedTransfer, 'now_s' | 'until_s'>): boolean {
    const { validAfter, validBefore } = transfer
    const latest_s = now_s + Math.floor(this.#options.longest_ms / 1000)
    return validAfter < BigInt(now_s) && validBefore > BigInt(now_s) && validBefore >= BigInt(until_s) && validBefore <= BigInt(latest_s)
  }

  #none({ shown, domain, to, symbol }: WantedTransfer): Refusal {
    const [amount = ''] = shown.split(' ')
    const network = `eip155:${domain.chainId}`
    return {
      code: 'wallet_insufficient',
      detail: `The wallet pays by transfers that were signed beforehand, and has none left, or none that can be used now, of ${shown} to ${to} on ${network}.`,
      nextAction: `Ask the operator of this proxy to sign more where the key is: purser wallet presign --recipient ${to} --amount ${amount} --asset ${symbol} --network ${network} --count 100 --valid 24h --out FILE. The file goes in the place of one that wallet.files names.`,
    }
  }

  /** Files that were replaced, or were not there before. Not more often than every few seconds. */
  async #readAgain(): Promise<boolean> {
    const now_ms = this.#options.clock.monotonic()
    if (now_ms - this.#looked_ms.files < PRESIGNED_LOOK_MS) return false
    this.#looked_ms.files = now_ms
    const files = await this.#files.changed((problem) => this.#options.warned(problem))
    this.#forgetDead()
    for (const file of files) {
      try {
        this.#add(file)
      } catch (fault) {
        this.#options.warned(fault instanceof Error ? fault.message : `The pool ${file.path} cannot be used.`, fault)
      }
    }
    // What is new may have been used already, by a payment that this process does not know.
    if (files.length > 0) await this.#refresh()
    return files.length > 0
  }

  #add({ path, transfers }: PoolFile): void {
    const fresh = transfers.filter(({ nonce }) => !this.#byNonce.has(nonce))
    if (this.#byNonce.size + fresh.length > MAX_PRESIGNED_TRANSFERS)
      throw new PresignedError(`The pool ${path} cannot be used: with it there would be more than ${MAX_PRESIGNED_TRANSFERS} transfers.`)
    const touched = new Set<Shelf>()
    for (const transfer of fresh) {
      const shelf = this.#shelfOf(transfer)
      const entry: Entry = { transfer, shelf, state: 'free' }
      this.#byNonce.set(transfer.nonce, entry)
      shelf.entries.push(entry)
      touched.add(shelf)
    }
    for (const { nonce } of transfers) this.#byNonce.get(nonce)?.shelf.pools.add(nameOf(path))
    const salt = randomUUID()
    for (const shelf of touched) {
      const order = new Map(shelf.entries.map((entry) => [entry, hash('sha256', `${salt} ${entry.transfer.nonce}`)]))
      shelf.entries.sort((one, other) => {
        const sooner = Number(one.transfer.validBefore - other.transfer.validBefore)
        return sooner || ((order.get(one) ?? '') < (order.get(other) ?? '') ? -1 : 1)
      })
      shelf.filled = shelf.entries.length
      shelf.told = 'nothing'
    }
  }

  #shelfOf(transfer: PresignedTransfer): Shelf {
    const key = keyOf(transfer)
    const shelf = this.#shelves.get(key) ?? { entries: [], pools: new Set(), filled: 0, told: 'nothing' }
    this.#shelves.set(key, shelf)
    return shelf
  }

  #forgetDead(): void {
    const now_s = this.#now_s()
    for (const [nonce, entry] of this.#byNonce) {
      // What was spent and lives has to be known, or it would come again with its file.
      if (entry.state === 'aside' || entry.transfer.validBefore > BigInt(now_s)) continue
      this.#byNonce.delete(nonce)
      entry.shelf.entries = entry.shelf.entries.filter((other) => other !== entry)
    }
  }

  async #lookNow(): Promise<void> {
    if (this.#options.clock.monotonic() - this.#looked_ms.ledger >= PRESIGNED_LOOK_MS) await this.#refresh()
    await this.#readAgain()
  }

  async #ask(): Promise<void> {
    const began_ms = this.#options.clock.monotonic()
    const open = [...this.#byNonce].filter(([, { state }]) => state !== 'spent').map(([nonce]) => nonce)
    for (const nonce of await this.#options.used(open)) this.spent(`0x${nonce.slice(2)}`)
    this.#looked_ms.ledger = began_ms
  }

  /** Once for each time that it was filled. */
  #tell({ shelf, transfer: { to } }: Entry): void {
    const left = shelf.entries.length
    const state = left === 0 ? 'empty' : left * PRESIGNED_LOW_SHARE <= shelf.filled ? 'low' : 'nothing'
    if (state === 'nothing' || state === shelf.told) return
    shelf.told = state
    const many = left === 0 ? 'is used up' : `has ${left} of ${shelf.filled} transfers left`
    this.#options.warned(`The pool for ${to} (${[...shelf.pools].join(', ')}) ${many}. Sign more with: purser wallet presign`)
  }

  #now_s(): number {
    return Math.floor(this.#options.clock.now() / 1000)
  }
}

/** What has to be the same, to the letter, for one transfer to stand in for another. */
function keyOf({ domain, to, value }: Pick<TransferAuthorization, 'domain' | 'to' | 'value'>): string {
  const { name, version, chainId, verifyingContract } = domain
  return JSON.stringify([name, version, chainId, verifyingContract, to, `${value}`])
}

function windowOf({ transfer: { nonce, validAfter, validBefore } }: Entry): PresignedWindow {
  return { nonce, validAfter_s: Number(validAfter), validBefore_s: Number(validBefore) }
}

function isAlive({ state, transfer }: Entry, now_s: number): boolean {
  return state !== 'spent' && transfer.validBefore > BigInt(now_s)
}

function nameOf(path: string): string {
  return basename(path).replace(/\.json$/, '')
}
