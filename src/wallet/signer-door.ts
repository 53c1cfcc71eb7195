/** The signer's socket: who may come in, and how many requests may wait. What is not of the protocol ends its connection. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { MAX_SIGNER_CONNECTIONS, MAX_SIGNER_PENDING, SIGNER_HELLO_MS } from '../signer-limits.ts'
import type { SignerDesk } from './signer-desk.ts'
import { createFrameReader, frameOf, readRequest, type SignerAnswer, type SignerRequest } from './signer-frames.ts'

export interface SignerDoorOptions {
  readonly desk: SignerDesk
  /** Proves that who connects can read what the signer wrote for it. */
  readonly token: string
}

/** Not listening yet. */
export function createSignerDoor(options: SignerDoorOptions): Server {
  const server = createServer((socket) => new Visit(socket, options))
  server.maxConnections = MAX_SIGNER_CONNECTIONS
  return server
}

class Visit {
  readonly #socket: Socket
  readonly #options: SignerDoorOptions
  #standing: 'stranger' | 'greeted' | 'proven' = 'stranger'
  #head: SignerDesk['head']
  #pending = 0

  constructor(socket: Socket, options: SignerDoorOptions) {
    this.#socket = socket
    this.#options = options
    const read = createFrameReader()
    socket.setTimeout(SIGNER_HELLO_MS, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      try {
        for (const frame of read(chunk)) this.#hear(readRequest(frame))
      } catch {
        socket.destroy()
      }
    })
  }

  #hear(request: SignerRequest): void {
    if (request.op === 'hello') {
      this.#greet(request)
      return
    }
    if (this.#standing === 'stranger' || ++this.#pending > MAX_SIGNER_PENDING) throw new Error('not now')
    this.#answer(request).then(
      (answer) => this.#say(answer),
      () => this.#socket.destroy(),
    )
  }

  #greet({ id, token }: Extract<SignerRequest, { op: 'hello' }>): void {
    if (!isSame(token, this.#options.token)) throw new Error('a stranger')
    const { address, head } = this.#options.desk
    this.#head = head
    this.#standing = head ? 'greeted' : 'proven'
    this.#socket.setTimeout(0)
    this.#send({ id, kind: 'known', address, head: head?.paymentId ?? null })
  }

  async #answer(request: Exclude<SignerRequest, { op: 'hello' }>): Promise<SignerAnswer> {
    const { id } = request
    if (request.op === 'prove') return this.#prove(request)
    const pays = request.op === 'transfer' || request.op === 'permit'
    if (pays && this.#standing !== 'proven') return { id, kind: 'refused', code: 'ledger_unavailable', detail: OLDER }
    return { id, ...(await this.#options.desk.answer(request)) }
  }

  /** By the head of the greeting: what is signed meanwhile, whoever asked for it has made durable first. */
  #prove({ id, paymentId, nonce }: Extract<SignerRequest, { op: 'prove' }>): SignerAnswer {
    if (this.#head?.paymentId !== paymentId || this.#head.nonce !== nonce)
      return { id, kind: 'refused', code: 'ledger_unavailable', detail: OLDER }
    this.#standing = 'proven'
    return { id, kind: 'proven' }
  }

  #say(answer: SignerAnswer): void {
    this.#pending--
    this.#send(answer)
  }

  #send(answer: SignerAnswer): void {
    if (this.#socket.writable) this.#socket.write(frameOf(answer))
  }
}

export const OLDER =
  'The ledger does not know the newest payment that the signer signed: it is an older copy, or another ledger. What was signed since may still be taken, so nothing is signed and no money moved. Put the newest ledger back, or start the signer with --accept-restored-ledger.'

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
