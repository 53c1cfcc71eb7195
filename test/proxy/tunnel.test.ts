import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ESTABLISHED } from '../../src/proxy/connect-answer.ts'
import { pipe } from '../../src/proxy/pipe.ts'
import { ask, closed, type RigOptions, readAll, readSome, startRig, upstream } from './connect-rig.ts'

/** Large enough to be given back, and small enough for a stream to take it without asking the writer to wait. */
const PIECE = 20 * 1024
const OPEN = { opened: ['127.0.0.0/8'] }

async function tunnelTo(port: number, options: RigOptions = {}) {
  const rig = await startRig({ ...OPEN, connectPorts: [port], ...options })
  const answer = await ask(rig.port, `127.0.0.1:${port}`)
  return { rig, answer, agent: answer.socket }
}

describe('a blind tunnel', () => {
  it('carries bytes both ways, unread, and leaves one line', async () => {
    const echo = await upstream()
    const { rig, answer, agent } = await tunnelTo(echo.port)
    expect(answer.status).toBe(200)
    expect(answer.headers).toEqual({})
    const bytes = Buffer.from([0, 0x16, 3, 1, 255, 13, 10])
    agent.write(bytes)
    expect(await readSome(agent)).toEqual(bytes)
    expect(rig.tunnels.active()).toBe(1)
    expect(rig.connections()).toBe(1)
    agent.end()
    expect(await readAll(agent)).toBe('')
    expect(await rig.line()).toMatchObject({
      mode: 'tunnel',
      outcome: 'tunnelled',
      method: 'CONNECT',
      target: `tcp://127.0.0.1:${echo.port}`,
      status: 200,
      bytes: 7,
      extra: { bytesUp: 7 },
      sessionId: 'ses_1',
      agent: 'tester',
    })
    expect(rig.lines).toHaveLength(1)
    expect(rig.tunnels.active()).toBe(0)
    expect(rig.connections()).toBe(0)
  })

  it('forwards what the agent sent without waiting, before what comes later', async () => {
    const echo = await upstream()
    const rig = await startRig({ ...OPEN, connectPorts: [echo.port] })
    const { socket } = await ask(rig.port, `127.0.0.1:${echo.port}`, { early: 'early ' })
    socket.end('late')
    expect(await readAll(socket)).toBe('early late')
  })

  it('lets the agent close its half and still get the whole answer', async () => {
    const slow = await upstream((socket) => {
      readAll(socket).then(
        (asked) => socket.end(`you said ${asked}`),
        () => undefined,
      )
    })
    const { agent } = await tunnelTo(slow.port)
    agent.end('hello')
    expect(await readAll(agent)).toBe('you said hello')
  })

  it('lets the upstream close its half and still get the whole request', async () => {
    let asked: Promise<string> | undefined
    const hasty = await upstream((socket) => {
      socket.end('bye')
      asked = readAll(socket)
    })
    const { agent } = await tunnelTo(hasty.port)
    expect(await readAll(agent)).toBe('bye')
    agent.end('still here')
    expect(await asked).toBe('still here')
  })

  it('carries every byte as it was, also what had to wait for a slow reader', async () => {
    const sent = randomBytes(32 * 1024 * 1024)
    const far = await upstream((socket) => void socket.end(sent))
    const { agent } = await tunnelTo(far.port)
    // Meanwhile all buffers on the way fill up.
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    const hash = createHash('sha256')
    for (let chunk = await readSome(agent); chunk !== undefined; chunk = await readSome(agent)) hash.update(chunk)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  })

  it('carries every byte as it was to an agent within the process, who reads the very chunks', async () => {
    const sent = randomBytes(50 * PIECE)
    const far = await upstream((socket) => {
      const write = (at: number) => {
        if (at >= sent.length) socket.end()
        else socket.write(sent.subarray(at, at + PIECE), () => setImmediate(write, at + PIECE))
      }
      write(0)
    })
    const rig = await startRig(OPEN)
    const [inner, outer] = pipe()
    const passage = { exchangeId: 'exc_1', target: { host: '127.0.0.1', port: far.port }, credentials: [], startedAt_ms: 0 }
    rig.tunnels.open({
      socket: inner,
      head: Buffer.alloc(0),
      passage,
      way: { kind: 'vetted', address: '127.0.0.1', family: 4, opened: true },
    })
    const got: Buffer[] = []
    for await (const chunk of outer) {
      await new Promise((resolve) => setImmediate(resolve))
      got.push(Buffer.from(chunk))
    }
    expect(Buffer.concat(got).subarray(ESTABLISHED.length).equals(sent)).toBe(true)
  })

  it('carries megabytes to a slow reader with a bounded buffer', async () => {
    const size = 32 * 1024 * 1024
    const chunk = Buffer.alloc(1024 * 1024, 7)
    let sent = 0
    const fast = await upstream((socket) => {
      const push = () => {
        while (sent < size) {
          sent += chunk.length
          if (!socket.write(chunk)) return socket.once('drain', push)
        }
        return socket.end()
      }
      push()
    })
    const { agent } = await tunnelTo(fast.port)
    let got = (await readSome(agent))?.length ?? 0
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toBeLessThan(size)
    agent.on('data', (data: Buffer) => {
      got += data.length
    })
    agent.resume()
    await once(agent, 'end')
    expect(got).toBe(size)
  })

  it('breaks at the agent where the upstream breaks', async () => {
    const broken = await upstream((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { rig, agent } = await tunnelTo(broken.port)
    agent.write('x')
    await closed(agent)
    expect(agent.errored).toMatchObject({ code: 'ECONNRESET' })
    expect((await rig.line()).outcome).toBe('tunnelled')
  })

  it('breaks at the upstream where the agent breaks', async () => {
    const patient = await upstream((socket) => void socket.resume())
    const { rig, agent } = await tunnelTo(patient.port)
    const [far] = patient.seen as [Socket]
    agent.resetAndDestroy()
    await closed(far)
    expect(far.errored).toMatchObject({ code: 'ECONNRESET' })
    await rig.line()
    expect(rig.tunnels.active()).toBe(0)
  })

  it('ends after silence in both directions', async () => {
    const silent = await upstream((socket) => void socket.resume())
    const { rig, agent } = await tunnelTo(silent.port, { tunnel: { idleTimeout_ms: 50 } })
    await closed(agent)
    expect((await rig.line()).outcome).toBe('tunnelled')
  })

  it('ends when its session is revoked, and no other does', async () => {
    const silent = await upstream((socket) => void socket.resume())
    const { rig, agent } = await tunnelTo(silent.port)
    rig.tunnels.end('ses_2')
    expect(rig.tunnels.active()).toBe(1)
    rig.tunnels.end('ses_1')
    await closed(agent)
    await rig.line()
    expect(rig.tunnels.active()).toBe(0)
  })

  it('ends with the process', async () => {
    const silent = await upstream((socket) => void socket.resume())
    const { rig, agent } = await tunnelTo(silent.port)
    rig.tunnels.close()
    await closed(agent)
    await rig.line()
    expect(rig.tunnels.active()).toBe(0)
  })

  it('answers 502 where nobody listens', async () => {
    const deaf = await deafPort()
    const { rig, answer } = await tunnelTo(deaf)
    expect(answer.status).toBe(502)
    expect(JSON.parse(await answer.body())).toMatchObject({
      code: 'upstream_unreachable',
      detail: `127.0.0.1:${deaf} refused the connection or could not be reached.`,
      sessionId: 'ses_1',
      moneyState: 'none',
    })
    expect(await rig.line()).toMatchObject({ outcome: 'failed', status: 502, code: 'upstream_unreachable' })
    expect(rig.lines).toHaveLength(1)
    expect(rig.connections()).toBe(0)
  })

  it('answers 504 where the upstream does not take the connection in time', async () => {
    const { rig, answer } = await tunnelTo(await fullPort(), { tunnel: { connectTimeout_ms: 100 } })
    expect(answer.status).toBe(504)
    expect(JSON.parse(await answer.body())).toMatchObject({ code: 'upstream_timeout' })
    expect(await rig.line()).toMatchObject({ outcome: 'failed', status: 504, code: 'upstream_timeout' })
    expect(rig.lines).toHaveLength(1)
  })

  it('gives up connecting when the agent has left, and says so once', async () => {
    const port = await fullPort()
    const rig = await startRig({ ...OPEN, connectPorts: [port] })
    ask(rig.port, `127.0.0.1:${port}`).catch(() => undefined)
    while (rig.tunnels.active() === 0) await new Promise((resolve) => setImmediate(resolve))
    rig.tunnels.close()
    expect(await rig.line()).toMatchObject({ outcome: 'aborted', status: 0 })
    expect(rig.lines).toHaveLength(1)
  })
})

/** A port where nobody listens: an open connection has it, so that nobody else can get it meanwhile. */
async function deafPort(): Promise<number> {
  const { port } = await upstream()
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket.localPort ?? 0
}

/** A listener that never accepts, and whose queue is full: further connections hang. */
async function fullPort(): Promise<number> {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
    })`
  const block = new SharedArrayBuffer(4)
  const worker = new Worker(script, { eval: true, workerData: block })
  const [port] = (await once(worker, 'message')) as [number]
  onTestFinished(async () => {
    Atomics.notify(new Int32Array(block), 0)
    await worker.terminate()
  })
  const { connect } = await import('node:net')
  for (let i = 0; i < 2; i++) {
    const filler = connect(port, '127.0.0.1').on('error', () => undefined)
    onTestFinished(() => void filler.destroy())
    await once(filler, 'connect')
  }
  return port
}
