/**
 * A wallet whose key is in the signer process, over its socket. One connection for all, many requests at once; one that
 * broke is made anew by the next request. What waited for it was not signed as far as anyone here knows, and never sent.
 */
import { once } from 'node:events'
import { lstat, readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { getAddress } from 'viem'
import { PurserError, refused } from '../errors.ts'
import { MAX_SIGNER_PENDING, SIGNER_ANSWER_MS } from '../signer-limits.ts'
import { createFrameReader, frameOf, readAnswer, type SignerAnswer, type SignerAsk } from './signer-frames.ts'
import type { CancelAuthorization, Hex, Login, PermitTransfer, SigningPurpose, TransferAuthorization, Wallet } from './wallet.ts'

export interface SignerWalletOptions {
  /** Absolute path of the socket; its token is beside it. */
  readonly socket: string
  /** Another signer is none of ours. */
  readonly address: Hex
  /** What the ledger knows of a payment: its nonce, by which it shows that it is no older copy. */
  readonly nonceOf: (paymentId: string) => Promise<string | undefined>
}

export interface SignerWallet extends Wallet, AsyncDisposable {
  forPayment(purpose: SigningPurpose): Wallet
  readiness(): Promise<readonly string[]>
}

export function createSignerWallet(options: SignerWalletOptions): SignerWallet {
  const address = getAddress(options.address)
  const line = new Line(options)
  const checkName = (name: string | null) => {
    if (name !== null) throw refused('not_found', 'There is no wallet of this name; the signer has one, without a name.')
  }
  const sign = async (name: string | null, ask: SignerAsk): Promise<Hex> => {
    checkName(name)
    const answer = await (await line.ready()).ask(ask)
    if (answer.kind !== 'signed') throw unavailable('its answer is none to the question')
    return answer.signature
  }
  const unpurposed = async (): Promise<Hex> => {
    throw refused('internal_error', 'The signer signs for payments of a session only. Nothing was signed.')
  }
  const walletOf = (purpose?: SigningPurpose): Wallet => ({
    async address(name) {
      checkName(name)
      return address
    },
    signTransfer: (name, data: TransferAuthorization) => (purpose ? sign(name, { op: 'transfer', purpose, data }) : unpurposed()),
    signPermit: (name, data: PermitTransfer) => (purpose ? sign(name, { op: 'permit', purpose, data }) : unpurposed()),
    signCancel: (name, data: CancelAuthorization) => sign(name, { op: 'cancel', data }),
    signLogin: (name, { resources, ...data }: Login) =>
      sign(name, { op: 'login', data: { ...data, ...(resources && { resources: [...resources] }) } }),
  })
  return {
    ...walletOf(),
    forPayment: ({ sessionId, paymentId }) => walletOf({ sessionId, paymentId }),
    async readiness() {
      try {
        await line.ready()
        return []
      } catch (fault) {
        return [fault instanceof PurserError ? fault.refusal.detail : 'The signer cannot be asked.']
      }
    },
    [Symbol.asyncDispose]: () => line.close(),
  }
}

/** The connection in use, and the way to the next one. */
class Line {
  readonly #options: SignerWalletOptions
  #call: Promise<Call> | undefined

  constructor(options: SignerWalletOptions) {
    this.#options = options
  }

  /** @throws PurserError `wallet_unavailable`, or `ledger_unavailable` where the ledger is older than what was signed. */
  ready(): Promise<Call> {
    if (this.#call !== undefined) return this.#call
    const forget = () => {
      if (this.#call === opening) this.#call = undefined
    }
    const opening: Promise<Call> = this.#open(forget)
    this.#call = opening
    opening.catch(forget)
    return opening
  }

  async close(): Promise<void> {
    const call = this.#call
    this.#call = undefined
    await call?.then(
      (open) => open.end('the proxy stops'),
      () => undefined,
    )
  }

  async #open(onEnd: () => void): Promise<Call> {
    const { socket: path, address } = this.#options
    await checkPlace(path)
    const token = await readFile(`${path}.token`, 'utf8').catch((cause) => {
      throw unavailable('its token cannot be read', cause)
    })
    const call = new Call(await dial(path), onEnd)
    try {
      const known = await call.ask({ op: 'hello', token: token.trim() })
      if (known.kind !== 'known' || known.address.toLowerCase() !== address.toLowerCase())
        throw unavailable(`it is not the signer of ${address}`)
      if (known.head !== null) await this.#prove(call, known.head)
      return call
    } catch (fault) {
      call.end('it was not understood')
      throw fault
    }
  }

  async #prove(call: Call, paymentId: string): Promise<void> {
    const nonce = await this.#options.nonceOf(paymentId)
    // A ledger without the payment proves nothing, and the signer says what that means.
    await call.ask({ op: 'prove', paymentId, nonce: isWord(nonce) ? nonce : `0x${'0'.repeat(64)}` })
  }
}

interface Waiting {
  readonly resolve: (answer: SignerAnswer) => void
  readonly reject: (fault: unknown) => void
  readonly timer: NodeJS.Timeout
}

/** One connection. */
class Call {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #onEnd: () => void
  #last = 0
  #ended = false

  constructor(socket: Socket, onEnd: () => void) {
    this.#socket = socket
    this.#onEnd = onEnd
    const read = createFrameReader()
    socket.on('data', (chunk) => {
      try {
        for (const frame of read(chunk)) this.#hear(readAnswer(frame))
      } catch {
        this.end('it said what is not of the protocol')
      }
    })
    socket.on('error', () => this.end('the connection broke'))
    socket.on('close', () => this.end('the connection was closed'))
    // An idle signer keeps nobody from ending.
    socket.unref()
  }

  /** @throws PurserError what the signer refused, or `wallet_unavailable` where it did not answer. */
  async ask(ask: SignerAsk): Promise<SignerAnswer> {
    if (this.#ended) throw unavailable('the connection was closed')
    if (this.#waiting.size >= MAX_SIGNER_PENDING) throw unavailable('too many signatures wait for it')
    const id = ++this.#last
    const frame = frameOf({ ...ask, id })
    const answer = await new Promise<SignerAnswer>((resolve, reject) => {
      const timer = setTimeout(() => this.end(`it gave no answer within ${SIGNER_ANSWER_MS / 1000} seconds`), SIGNER_ANSWER_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#socket.write(frame)
    })
    if (answer.kind === 'refused') throw refused(answer.code, answer.detail)
    return answer
  }

  end(why: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    this.#socket.destroy()
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(unavailable(why))
    }
    this.#waiting.clear()
  }

  #hear(answer: SignerAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    if (!waiting) throw new Error('nobody asked')
    this.#waiting.delete(answer.id)
    clearTimeout(waiting.timer)
    waiting.resolve(answer)
  }
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return socket
  } catch (cause) {
    throw unavailable(`nobody answers at ${path}; start it with \`purser signer\``, cause)
  }
}

/** Node does not tell who is at the other end: that only this user can put a socket there stands in for it. */
async function checkPlace(path: string): Promise<void> {
  const found = await Promise.all([lstat(dirname(path)), lstat(path)]).catch((cause) => {
    throw unavailable(`there is no socket ${path}; start it with \`purser signer\``, cause)
  })
  const own = process.getuid?.()
  const isOurs = found.every(({ uid, mode }) => uid === own && (mode & 0o077) === 0)
  if (!isOurs || !found[1].isSocket()) throw unavailable(`${path} and its folder are not this user's alone (modes 0600 and 0700)`)
}

function isWord(text: string | undefined): text is Hex {
  return text !== undefined && /^0x[0-9a-f]{64}$/.test(text)
}

function unavailable(why: string, cause?: unknown): PurserError {
  return refused('wallet_unavailable', `The signer cannot be used: ${why}. Nothing was sent, and no money moved.`, cause)
}
