import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMAND_NAMES, runProgram } from '../../src/cli/program.ts'
import { capturedTerminal } from './captured-terminal.ts'

async function run(...argv: string[]) {
  const terminal = capturedTerminal()
  const code = await runProgram(argv, terminal)
  return { code, out: terminal.stdout(), err: terminal.stderr() }
}

describe('program', () => {
  it('the help names every command and the exit codes', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    for (const name of COMMAND_NAMES) expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
    expect(out).toContain('purser signer --help')
    expect(out).toContain('Exit codes: 0 done, 1 refused or failed, 2 wrong usage.')
  })

  it('every command loads, explains itself and knows --json', async () => {
    for (const name of COMMAND_NAMES) {
      const { code, out } = await run(name, '--help')
      expect(code, name).toBe(0)
      const leaf = out.includes('--json')
        ? out
        : (await run(name, /^ {2}([a-z]+)\b/m.exec(out.slice(out.indexOf('Commands:')))?.[1] ?? '', '--help')).out
      expect(leaf, name).toContain('--json')
    }
  })

  it('says its version', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it.each([
    [[], 'Usage: purser'],
    [['nonsense'], 'unknown command'],
    [['session'], 'Usage: purser session'],
    [['session', 'nonsense'], 'unknown command'],
    [['balance'], "missing required argument 'session'"],
    [['balance', 'x', '--nonsense'], "unknown option '--nonsense'"],
    [['session', 'open', '--agent', 'a', '--purpose', 'p', '--ttl', '1h'], '--cap'],
    [['session', 'open', '--agent', 'a', '--purpose', 'p', '--ttl', '1h', '--cap', '-1'], 'not an amount'],
    [['session', 'open', '--agent', 'a', '--purpose', 'p', '--ttl', '60', '--cap', '1'], 'a unit is missing'],
    [['token', 'create', '--role', 'king'], 'Allowed choices are operator, approver, auditor'],
    [['receipts', 'export', '--format', 'xml'], 'Allowed choices are jsonl, json, csv'],
    [['payments', 'resolve', 'pay_1', '--outcome', 'lost', '--evidence', 'x'], 'Allowed choices are settled, void'],
    [['payments', 'resolve', 'pay_1', '--outcome', 'void'], "required option '--evidence <text>' not specified"],
    [['payments', 'refund', 'pay_1', 'some', '--evidence', 'x'], 'not an amount'],
    [['reconcile', '--from-block', 'base-sepolia'], 'write it as network=block'],
    [['session', 'open', '--cap', '1', '--ttl', '1h', '--refill', '1'], 'not a duration'],
    [['halt', '--agent', 'a', '--session', 's'], 'Name one of --agent, --session and --recipient.'],
    [['exec'], "missing required argument 'command'"],
  ])('%j is wrong usage: exit code 2, with the reason', async (argv, reason) => {
    const { code, err } = await run(...argv)
    expect(code).toBe(2)
    expect(err).toContain(reason)
  })

  it('wrong usage says where to look, and with --json it is JSON as well', async () => {
    const { code, out, err } = await run('balance', '--json')
    expect(code).toBe(2)
    expect(err).toContain('Add --help to see how it is used.')
    expect(JSON.parse(out)).toEqual({ error: "missing required argument 'session'" })
  })

  it('with --json a failure is JSON as well', async () => {
    const { code, out } = await run('receipts', 'verify', '/nowhere', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ error: expect.stringContaining('/nowhere') })
  })

  it('a --json behind -- belongs to the command that exec runs', async () => {
    const { out } = await run('exec', '--config', '/nowhere.yaml', '--', 'x', '--json')
    expect(out).toBe('')
  })

  it('commands import nothing heavy at their top, so that help and plain commands answer at once', async () => {
    const folder = join(import.meta.dirname, '../../src/cli')
    const { readFile } = await import('node:fs/promises')
    for (const file of readdirSync(folder)) {
      const text = await readFile(join(folder, file), 'utf8')
      const heavy = [...text.matchAll(/^import (?!type)[^\n]*from '([^']+)'/gm)].map((match) => match[1] ?? '')
      expect(
        heavy.filter((name) => /^(viem|@x402)|app\.ts$|config\/load\.ts$/.test(name)),
        file,
      ).toEqual([])
    }
  })
})
