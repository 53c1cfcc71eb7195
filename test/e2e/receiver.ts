/** Where a person gets webhooks: takes what the public package of Standard Webhooks verifies, and answers 401 to all else. */
import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { close, listen, readBody } from '../testnet/doors.ts'

const messageSchema = z.looseObject({ type: z.string(), timestamp: z.iso.datetime(), data: z.record(z.string(), z.unknown()) })

export type Message = z.infer<typeof messageSchema>

export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** For the configuration: `whsec_…` */
  readonly secret: string
  /** What came and was signed as the specification says, in order. */
  readonly messages: readonly Message[]
  /** What came and was not. */
  readonly forgeries: readonly string[]
}

export async function startReceiver(): Promise<Receiver> {
  const secret = `whsec_${Buffer.from('thirty-two bytes of test secret!').toString('base64')}`
  const webhook = new Webhook(secret)
  const messages: Message[] = []
  const forgeries: string[] = []
  const server = createServer(async (request, response) => {
    const body = (await readBody(request)).toString()
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const status = take(body, headers) ? 204 : 401
    response.writeHead(status).end()
  })
  const take = (body: string, headers: Record<string, string>): boolean => {
    try {
      messages.push(messageSchema.parse(webhook.verify(body, headers)))
      return true
    } catch {
      forgeries.push(body)
      return false
    }
  }
  const url = `http://127.0.0.1:${await listen(server)}/purser`
  return { url, secret, messages, forgeries, [Symbol.asyncDispose]: () => close(server) }
}
