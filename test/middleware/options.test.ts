import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { readOptions } from '../../src/middleware/options.ts'

const SESSION = { agent: 'researcher', cap: '5.00', ttl: '1h' }

it('reads the file that is named, and the terms of the session', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-options-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'purser.yaml')
  await writeFile(file, 'mode: report\n')
  const { config, budget } = await readOptions({ file, session: SESSION })
  expect(config).toMatchObject({ mode: 'report', dataDir: expect.stringContaining(folder) })
  expect(budget).toMatchObject({ kind: 'terms', spec: { agent: 'researcher', cap: 5_000_000n, ttl_ms: 3_600_000 } })
})

it('a configuration that is given wins over files', async () => {
  const config = await loadConfig({ env: {} })
  expect((await readOptions({ config, file: '/nowhere.yaml', session: { token: 'abc' } })).config).toBe(config)
})

it.each([
  ['no cap', { agent: 'a', ttl: '1h' }, 'cap: is missing'],
  ['no lifetime', { agent: 'a', cap: '1' }, 'ttl: is missing'],
  ['a key that there is not', { ...SESSION, limit: 5 }, 'limit'],
  ['a token and terms', { token: 'abc', cap: '5.00' }, 'cap'],
  ['an empty token', { token: '' }, 'token'],
])('%s is refused before anything is opened, and named', async (_name, session, said) => {
  const reading = readOptions({ config: await loadConfig({ env: {} }), session: session as never })
  await expect(reading).rejects.toMatchObject({ refusal: { code: 'request_invalid', detail: expect.stringContaining(said) } })
})
