import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { randomIds, systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { temporaryFolder } from '../config/folder.ts'
import { capturedTerminal } from './captured-terminal.ts'
import { runHere } from './running-purser.ts'

const asPerson = async (answers: string[], ...argv: string[]) => {
  const terminal = capturedTerminal({}, { clock: systemClock, ids: randomIds, person: { answers } })
  const code = await runProgram(argv, terminal)
  return { code, out: terminal.stdout(), err: terminal.stderr() }
}

describe('init', () => {
  it('with --yes asks nothing, and writes what policy check passes and serve can start from', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'purser.yaml')
    const { code, out } = await runHere(['init', file, '--yes'])
    expect(code).toBe(0)
    expect(out).toContain(`Wrote ${file}. Next:`)
    expect(out).not.toContain('real money')
    expect((await runHere(['policy', 'check', '--config', file])).code).toBe(0)
    const config = await loadConfig({ file, env: {} })
    expect(config.networks).toEqual([{ id: 'eip155:84532', rpc: 'https://sepolia.base.org', finalityBlocks: 12 }])
    expect(config).toMatchObject({ mode: 'enforce', warnings: [], recipients: { verified: [{ host: 'api.example.com' }] } })
  })

  it('flags say what differs', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'mine.yaml')
    const flags = [
      '--host',
      'A.Example',
      '--host',
      '*.b.example',
      '--category',
      'search',
      '--network',
      'eip155:8453',
      '--max-amount',
      '0.20',
    ]
    const { code, out } = await runHere(['init', file, '--yes', ...flags])
    expect([code, out.includes('send USDC on eip155:8453 to it: that is real money')]).toEqual([0, true])
    const { recipients, categories, tiers, networks } = await loadConfig({ file, env: {} })
    expect(recipients.verified.map(({ host }) => host)).toEqual(['a.example', '*.b.example'])
    expect(categories.map(({ category }) => category)).toEqual(['search', 'search'])
    expect(networks).toMatchObject([{ id: 'eip155:8453' }])
    expect(networks[0]).not.toHaveProperty('rpc')
    expect(tiers[0]).toMatchObject({ conditions: { maxAmount: 200_000n } })
    expect((await runHere(['policy', 'check', '--config', file])).code).toBe(0)
  })

  it('asks a person, again where the answer cannot be used, and takes an empty one as the suggestion', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'purser.yaml')
    const { code, err } = await asPerson(['not a host/', 'shop.example', '', 'moon', 'base-sepolia', 'none', '0.10', ''], 'init', file)
    expect(code).toBe(0)
    expect(err).toContain('Which host may be paid? [api.example.com]')
    expect(err).toContain('write a host like api.example.com')
    expect(err).toContain('write a network such as base')
    const { recipients, networks, tiers } = await loadConfig({ file, env: {} })
    expect(recipients.verified).toEqual([{ host: 'shop.example' }])
    expect(networks[0]).not.toHaveProperty('rpc')
    expect(tiers[0]).toMatchObject({ conditions: { maxAmount: 100_000n } })
  })

  it('never overwrites', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'purser.yaml')
    await writeFile(file, 'mine')
    const { code, err } = await runHere(['init', file, '--yes'])
    expect(code).toBe(1)
    expect(err).toContain('is there already, and is left as it is.')
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  it.each([
    [[], /Nobody is there to ask/],
    [['--yes', '--host', '*'], /write a host like/],
    [['--yes', '--network', 'solana'], /write a network such as/],
    [['--yes', '--max-amount', 'lots'], /max-amount/],
    [['--yes', '--rpc', 'ftp://x'], /write a URL like/],
  ])('%j is wrong usage', async (flags, message) => {
    await using folder = await temporaryFolder()
    const { code, err } = await runHere(['init', join(folder.path, 'x.yaml'), ...flags])
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})
