import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { type Opened, openPaid } from '../../src/middleware/open.ts'
import { readOptions } from '../../src/middleware/options.ts'
import { freshConfig, QUIET, SESSION } from './rig.ts'

const SOURCE = resolve(import.meta.dirname, '../../src')
const head = (path: string) => `GET http://purser.internal${path} HTTP/1.1\r\nhost: purser.internal\r\nconnection: close\r\n\r\n`

async function ask(opened: Opened, path: string): Promise<string> {
  const connection = opened.connect()
  connection.write(head(path))
  return String(Buffer.concat(await connection.toArray()))
}

it('a connection leads to the engine, and its requests belong to the session', async () => {
  const opened = await openPaid(await readOptions({ config: await freshConfig(), session: SESSION }), QUIET)
  onTestFinished(() => opened[Symbol.asyncDispose]())
  expect(await ask(opened, '/v1/session')).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"agent":"researcher"[\s\S]*"cap":"5\.00"/)
  expect([opened.walletAddress, await opened.readiness()]).toEqual([expect.stringMatching(/^0x[0-9a-fA-F]{40}$/), []])
})

it('a second one on the same ledger is refused while the first is open, and opens after it', async () => {
  const settled = await readOptions({ config: await freshConfig(), session: SESSION })
  const first = await openPaid(settled, QUIET)
  await expect(openPaid(settled, QUIET)).rejects.toMatchObject({
    refusal: { code: 'ledger_unavailable', detail: expect.stringContaining('one process owns it') },
  })
  await first.drain()
  await (await openPaid(settled, QUIET))[Symbol.asyncDispose]()
})

it('a token of nobody opens nothing, and leaves nothing open', async () => {
  const config = await freshConfig()
  const opening = openPaid(await readOptions({ config, session: { token: 'of-nobody' } }), QUIET)
  await expect(opening).rejects.toMatchObject({ refusal: { code: 'session_invalid' } })
  await (await openPaid(await readOptions({ config, session: SESSION }), QUIET))[Symbol.asyncDispose]()
})

it('nothing listens, and standard output is the program’s: what is logged goes to standard error', async () => {
  const { dataDir } = await freshConfig()
  const program = `
    const { loadConfig } = await import('${SOURCE}/config/load.ts')
    const { paidDispatcher } = await import('${SOURCE}/middleware/dispatcher.ts')
    const key = { kind: 'file', path: '${dataDir}/wallet.key' }
    const ledger = { kind: 'sqlite', file: '${dataDir}/purser.db' }
    const config = { ...(await loadConfig({ env: {} })), dataDir: '${dataDir}', ledger, wallet: { kind: 'local', key } }
    const dispatcher = await paidDispatcher({ config, session: ${JSON.stringify(SESSION)} })
    await fetch('http://purser.internal/v1/session', { dispatcher }).then((answer) => answer.text())
    console.log(process.getActiveResourcesInfo().filter((kind) => kind.includes('Server')).length + ' listen')
    await dispatcher.close()`
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: SOURCE })
  expect(stdout).toBe('0 listen\n')
  expect(stderr).toContain('"msg":"exchange"')
})
