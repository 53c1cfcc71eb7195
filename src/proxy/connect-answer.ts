/** Answers to `CONNECT`, and to what is no request at all, written onto the bare connection. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../errors.ts'
import type { RawHeaders } from '../http.ts'
import { LINGER_MS } from '../limits.ts'
import type { Mode } from '../session/exchange.ts'
import { refusalAnswer } from './respond.ts'

export const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n'

export interface RefuseConnectionOptions {
  readonly mode: Mode
  readonly headers?: RawHeaders | undefined
}

/** Writes the refusal as a problem document and ends the connection. Returns the status. */
export function refuseConnection(socket: Duplex, refusal: Refusal, { mode, headers = [] }: RefuseConnectionOptions): number {
  const answer = refusalAnswer(refusal, { mode, headers: [...headers, 'Connection', 'close'] })
  const head = Buffer.from(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Refused'}\r\n${fieldsOf(answer.headers)}\r\n`,
    'latin1',
  )
  if (!socket.destroyed) linger(socket.end(Buffer.concat([head, answer.body])))
  return answer.status
}

/** What still arrives is read and dropped, because closing on unread bytes would take the answer away from the agent. */
function linger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer)).resume()
}

const UNREADABLE_STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

/** Answers bytes that Node's parser could not read as a request; never a word inside another answer. */
export function refuseUnreadable(socket: Duplex, fault: Error, { answering }: { readonly answering: boolean }): void {
  if (!socket.writable || answering) {
    socket.destroy()
    return
  }
  const status = ('code' in fault && typeof fault.code === 'string' ? UNREADABLE_STATUS[fault.code] : undefined) ?? 400
  const detail = 'The bytes on this connection are not one valid HTTP/1.1 request.'
  refuseConnection(socket, { code: 'request_invalid', detail, status }, { mode: 'intercept' })
}

function fieldsOf(headers: RawHeaders): string {
  let fields = ''
  for (let i = 0; i + 1 < headers.length; i += 2) fields += `${headers[i]}: ${headers[i + 1]}\r\n`
  return fields
}
