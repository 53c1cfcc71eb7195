import { execFile } from 'node:child_process'
import { access, chmod, lstat, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../config/folder.ts'
import { runHere } from './running-purser.ts'

const run = promisify(execFile)
const PROXY = "http://ses_1:it's@127.0.0.1:4020"

/** A home with a data folder in which a first start has made the authority. */
async function home(config = '{}', shell = '/bin/bash') {
  const folder = await temporaryFolder()
  const configFile = await folder.write('purser.yaml', config)
  await run('mkdir', [join(folder.path, 'data')])
  const caFile = await folder.write('data/ca.pem', 'PEM\n')
  const env = { HOME: folder.path, SHELL: shell, PURSER_CONFIG: configFile }
  const purser = (...argv: string[]) => runHere(argv, env)
  const text = (name: string) => readFile(join(folder.path, name), 'utf8')
  return { folder, caFile, purser, text, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

describe('install', () => {
  it('gives new shells the variables; twice is once; uninstall puts every byte back', async () => {
    await using at = await home()
    await writeFile(join(at.folder.path, '.bashrc'), 'alias ll="ls -l"')
    const first = await at.purser('install', '--proxy', PROXY)
    expect(first).toMatchObject({ code: 0, err: expect.stringContaining('these tools reach nothing') })
    const { stdout } = await run('sh', [
      '-c',
      '. "$0"; printf "%s\\n" "$https_proxy" "$NODE_EXTRA_CA_CERTS" "$NO_PROXY."',
      join(at.folder.path, '.profile'),
    ])
    expect(stdout).toBe(`${PROXY}\n${at.caFile}\n.\n`)
    const written = await at.text('.bashrc')
    expect((await at.purser('install', '--proxy', PROXY)).out).toContain('.bashrc: as it should be already')
    expect(await at.text('.bashrc')).toBe(written)
    expect((await at.purser('uninstall')).out).toContain('.bashrc: put back')
    expect(await at.text('.bashrc')).toBe('alias ll="ls -l"')
    await expect(access(join(at.folder.path, '.profile'))).rejects.toThrow()
    expect((await at.purser('uninstall')).out).toBe('There is nothing to take out.\n')
  })

  it('a dry run shows everything and writes nothing', async () => {
    await using at = await home()
    const { code, out } = await at.purser('install', '--proxy', PROXY, '--dry-run')
    expect(code).toBe(0)
    expect(out).toContain('export HTTPS_PROXY=')
    expect(out).toContain('.profile: would be written')
    for (const name of ['.profile', '.bashrc', 'data/ca-bundle.pem']) await expect(access(join(at.folder.path, name))).rejects.toThrow()
    await at.purser('install', '--proxy', PROXY)
    const before = await at.text('.profile')
    expect((await at.purser('uninstall', '--dry-run')).out).toContain('would be put back')
    expect(await at.text('.profile')).toBe(before)
  })

  it('a link whose file is missing stays a link, and who else may read the token is told', async () => {
    await using at = await home()
    const [link, aim] = [join(at.folder.path, '.bashrc'), join(at.folder.path, 'dotfile')]
    await symlink('dotfile', link)
    expect((await at.purser('install', '--proxy', PROXY)).err).not.toContain('chmod')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await chmod(aim, 0o644)
    expect((await at.purser('install', '--proxy', PROXY)).err).toContain(`chmod 600 '${aim}'`)
    await at.purser('uninstall')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await expect(access(aim)).rejects.toThrow()
    await at.purser('install', '--proxy', PROXY, '--file', link)
    expect([(await lstat(link)).isSymbolicLink(), (await lstat(aim)).isFile()]).toEqual([true, true])
  })

  it('--trust-only leaves requests where they went', async () => {
    await using at = await home()
    await at.purser('install', '--trust-only')
    expect(await at.text('.profile')).toContain('CURL_CA_BUNDLE')
    expect(await at.text('.profile')).not.toMatch(/proxy=/i)
  })

  it('a Purser that needs no token is named by its address', async () => {
    const config = 'proxy: { authenticate: false, defaultSession: { agent: a, cap: "1.00", ttl: 1h } }'
    await using at = await home(config, '/usr/bin/zsh')
    expect((await at.purser('install')).code).toBe(0)
    expect(await at.text('.zshenv')).toContain("export HTTP_PROXY='http://127.0.0.1:4020'")
  })

  it.each([
    [[], 2, /Which session should pay\?/],
    [['--proxy', 'nonsense'], 2, /no URL like/],
  ])('%j: exit code %i', async (flags, code, message) => {
    await using at = await home()
    expect(await at.purser('install', ...flags)).toMatchObject({ code, err: expect.stringMatching(message) })
  })

  it('a shell of another language is not guessed at, and nothing is installed before there is an authority', async () => {
    await using at = await home('{}', '/usr/bin/fish')
    expect(await at.purser('install', '--trust-only')).toMatchObject({ code: 1, err: expect.stringContaining('Name a file with --file') })
    await run('rm', [at.caFile])
    expect(await at.purser('install', '--trust-only')).toMatchObject({ code: 1, err: expect.stringContaining('There is no authority') })
  })
})
