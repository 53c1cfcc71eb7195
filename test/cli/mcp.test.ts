import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runHere } from './running-purser.ts'

const PURSER_PROXY = 'http://ses_1:secret-of-the-session@127.0.0.1:9'

it('without a session there is nothing to ask about, and it says how to get one', async () => {
  expect(await runHere(['mcp'])).toEqual({
    code: 1,
    out: '',
    err: expect.stringContaining('PURSER_PROXY is not set, so there is no session to ask about.\nStart this server by `purser exec -- …`'),
  })
})

it.each(['http://127.0.0.1:4020', 'ftp://a:secret-of-the-session@b', 'secret-of-the-session'])(
  'a PURSER_PROXY without credentials is refused and not repeated: %s',
  async (PURSER_PROXY) => {
    const { code, err } = await runHere(['mcp'], { PURSER_PROXY })
    expect([code, err]).toEqual([1, expect.stringContaining('not the URL of a proxy with the credentials of a session')])
    expect(err).not.toContain('secret-of-the-session')
  },
)

it.each([
  [['--listen', '0.0.0.0:0', '--token-file', 'x'], 'listens on loopback only'],
  [['--listen', 'nowhere', '--token-file', 'x'], 'write host and port'],
  [['--listen', '127.0.0.1:0'], '--listen and --token-file belong together'],
])('%j is wrong usage', async (flags, said) => {
  const { code, err } = await runHere(['mcp', ...flags], { PURSER_PROXY })
  expect([code, err]).toEqual([2, expect.stringContaining(said)])
})

it('a token that others may read is not used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-mcp-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'mcp.token')
  await writeFile(file, `mcp_${'x'.repeat(43)}\n`, { mode: 0o644 })
  const { code, err } = await runHere(['mcp', '--listen', '127.0.0.1:0', '--token-file', file], { PURSER_PROXY })
  expect([code, err]).toEqual([1, expect.stringContaining('is open to others (mode 644)')])
})
