import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { close, listen } from '../testnet/doors.ts'
import { type RunningPurser, runHere, signalAt, spawnPurser, startPurser, writeConfig } from './running-purser.ts'

const loopback = { listen: '127.0.0.1:0', unsafeAllowPrivateUpstreams: ['127.0.0.0/8'] }
const upstream = createServer((request, response) => void response.end(JSON.stringify(request.headers)))
let purser: RunningPurser
let url: string

beforeAll(async () => {
  purser = await startPurser({ proxy: loopback })
  url = `http://127.0.0.1:${await listen(upstream)}/`
})
afterAll(async () => {
  await purser[Symbol.asyncDispose]()
  await close(upstream)
})

const node = (script: string, ...args: string[]) => ['--', process.execPath, '-e', script, ...args]
const exec = (...argv: string[]) =>
  spawnPurser(['exec', '--config', purser.configFile, ...argv], { env: { ...purser.env, SECRET_OF_CHILD: 'kept' } })

describe('exec', () => {
  it('the command’s requests go through the proxy, its output stays its own, and the bill comes last', async () => {
    const { code, out, err } = await exec(
      '--cap',
      '2.00',
      ...node('fetch(process.argv[1]).then(async (a) => console.log(a.status, await a.text()))', url),
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^200 \{.*\}\n$/)
    expect(out).not.toContain('proxy-authorization')
    expect(err).toMatch(/Session ses_\S+: \$2\.00 until/)
    expect(err).toContain('could read the admin token')
    expect(err).toMatch(/Session ses_\S+ is closed\./)
    expect(err).toMatch(/Spent +\$0\.00 of \$2\.00/)
    expect(err).toMatch(/Payments +0 made, 0 refused/)
  })

  it('ends with the command’s exit code', async () => {
    expect((await exec(...node('process.exit(7)'))).code).toBe(7)
  })

  it('a command that a signal ended ends with 128 and its number', async () => {
    expect((await exec(...node('process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)'))).code).toBe(143)
  })

  it('a command that does not exist ends with 127, and its session is closed all the same', async () => {
    const { code, err } = await exec('--', 'no-such-command-here')
    expect(code).toBe(127)
    expect(err).toContain('no-such-command-here cannot be started: there is no such command.')
    expect(err).toContain('is closed.')
  })

  it('signals reach the command, and the session is closed after it', async () => {
    const script = 'process.on("SIGTERM", () => { console.log("asked"); process.exit(3) }); setInterval(() => {}, 1000); console.log("up")'
    const { code, out, err } = await spawnPurser(['exec', '--config', purser.configFile, ...node(script)], {
      env: purser.env,
      seen: signalAt('up', 'SIGTERM'),
    })
    expect([code, out]).toEqual([3, 'up\nasked\n'])
    expect(err).toContain('is closed.')
  })

  it('the command sees the proxy and no secret of the operator', async () => {
    const { out } = await exec(...node('console.log(JSON.stringify(process.env))'))
    const env: Record<string, string> = JSON.parse(out)
    expect(Object.keys(env).filter((name) => name.startsWith('PURSER_'))).toEqual(['PURSER_PROXY'])
    expect(out).not.toContain(purser.env.PURSER_ADMIN_TOKEN)
    expect(env).toMatchObject({ SECRET_OF_CHILD: 'kept', HTTP_PROXY: env.PURSER_PROXY, NODE_USE_ENV_PROXY: '1', NO_PROXY: '' })
    expect(env.NODE_EXTRA_CA_CERTS).toBe(purser.app.caFile)
  })

  it('purpose and agent are what the session is known by', async () => {
    const { out } = await exec('--json', '--purpose', 'a report', '--agent', 'scribe', ...node(''))
    expect(JSON.parse(out)).toMatchObject({
      session: { agent: 'scribe', purpose: 'a report', state: 'closed' },
      payments: { paid: 0, refused: 0 },
      exitCode: 0,
    })
  })

  it('without a running Purser it starts one for as long as the command lasts', async () => {
    const { folder, configFile } = await writeConfig({ admin: { listen: '127.0.0.1:1' }, proxy: loopback })
    const { code, out, err } = await spawnPurser(
      ['exec', '--config', configFile, ...node('fetch(process.argv[1]).then((a) => console.log(a.status))', url)],
      { cwd: folder },
    )
    expect([code, out]).toEqual([0, '200\n'])
    expect(err).toContain('through a Purser in this process, because none was running')
    expect(err).toMatch(/Session ses_\S+ is closed\./)
  })

  it('another Purser that was named and does not answer is a failure: none is started in its place', async () => {
    const env = { PURSER_ADMIN_URL: 'http://127.0.0.1:1', PURSER_ADMIN_TOKEN: 't' }
    const { code, err } = await runHere(['exec', '--config', purser.configFile, '--', 'true'], env)
    expect(code).toBe(1)
    expect(err).toContain('No Purser answers at http://127.0.0.1:1.')
  })
})
