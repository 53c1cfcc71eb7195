import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { pipe } from '../../src/proxy/pipe.ts'

const codeOf = (fault: unknown) => (fault instanceof Error && 'code' in fault ? fault.code : undefined)

/** What became of an end: `end`, or the code of its error. */
function fateOf(end: Duplex): Promise<unknown> {
  return new Promise((resolve) => {
    end.once('end', () => resolve('end')).once('error', (fault) => resolve(codeOf(fault)))
  })
}

it('what is written to one end is read from the other, both ways, and one way may end before the other', async () => {
  const [near, far] = pipe()
  const ended = once(far.setEncoding('utf8'), 'end')
  let heard = ''
  far.on('data', (text) => {
    heard += text
  })
  near.write('one ')
  near.end('two')
  await ended
  expect(heard).toBe('one two')
  far.end('back')
  expect(String(Buffer.concat(await near.toArray()))).toBe('back')
})

it('a writer waits while nobody reads: it never holds more than the two buffers', async () => {
  const [near, far] = pipe()
  const chunk = Buffer.alloc(16 * 1024)
  let written = 0
  while (near.write(chunk) && written < 1_000) written++
  await turn()
  expect(near.writableNeedDrain).toBe(true)
  expect(far.readableLength).toBeLessThanOrEqual(far.readableHighWaterMark + chunk.length)
  const drained = once(near, 'drain')
  far.resume()
  await drained
  near.destroy()
})

it('an end that is destroyed with nothing unread is a goodbye', async () => {
  const [near, far] = pipe()
  const fate = fateOf(far.resume())
  near.destroy()
  expect(await fate).toBe('end')
})

it('an end that is destroyed with something unread is a reset', async () => {
  const [near, far] = pipe()
  far.write('an answer that nobody reads')
  await turn()
  const fate = fateOf(far.resume())
  near.destroy()
  expect(await fate).toBe('ECONNRESET')
})

it('writing to an end that has gone fails as on a socket', async () => {
  const [near, far] = pipe()
  near.destroy()
  await turn()
  const fate = fateOf(far)
  far.write('too late')
  expect(await fate).toBe('ECONNRESET')
})

it('Node’s server serves it, and hears when the agent goes in the middle', async () => {
  const server = createServer()
  const asked = once(server, 'request') as Promise<[IncomingMessage]>
  const [near, far] = pipe()
  server.emit('connection', near)
  far.write('GET http://a.example/ HTTP/1.1\r\nhost: a.example\r\n\r\n')
  const [request] = await asked
  expect(request.url).toBe('http://a.example/')
  const gone = once(request.socket, 'close')
  far.destroy()
  await gone
})
