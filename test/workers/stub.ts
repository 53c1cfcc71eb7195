/** What a team starts in place of the program: it answers as a worker does, and dies as it is told. */
import { appendFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { FromPrimary, FromWorker } from '../../src/workers/messages.ts'

const post = (message: FromWorker) => process.send?.([message])
let number = 0

const status = (value: number): FromWorker => ({
  kind: 'status',
  status: {
    metrics: [{ name: 'served_total', help: '', type: 'counter', values: [{ value, labels: {} }] }],
    reasons: [`reason of ${number}`],
  },
})

let served = 0
process.on('message', (messages: FromPrimary[] | 'connection', socket?: unknown) => {
  if (socket) {
    served += 1
    ;(socket as Socket).end(`${number}\n`)
  }
  if (!Array.isArray(messages)) return
  for (const message of messages) {
    if (message.kind === 'status') post(status(served))
    if (message.kind === 'drain') process.disconnect()
    if (message.kind !== 'start') continue
    number = message.start.number
    const { STUB, STUB_STARTS } = message.start.env
    if (STUB_STARTS) appendFileSync(STUB_STARTS, `${number}\n`)
    if (STUB === 'cannot') post({ kind: 'failed', reason: 'no key' })
    else post({ kind: 'ready' })
    if (STUB === 'dies') setTimeout(() => process.exit(3), 20)
  }
})
process.stderr.write(`{"worker":"begins"}\n`)
post({ kind: 'hello' })
