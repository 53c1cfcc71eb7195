import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dial, tlsFor } from '../../../src/ledger/postgres/dial.ts'
import { connectionTo } from '../../postgres/bench.ts'
import { startPostgres } from '../../postgres/server.ts'
import { makeTestTls } from '../../testnet/certificates.ts'

const away = { name: 'db.example', port: 5432 }
const here = { name: '127.0.0.1', port: 5432 }

describe('TLS to the ledger', () => {
  it('is spoken and verified by default, except on this very machine', () => {
    expect(tlsFor(away, { verify: 'default' })).toMatchObject({ rejectUnauthorized: true, servername: 'db.example', minVersion: 'TLSv1.2' })
    expect(tlsFor(here, { verify: 'default' })).toBe(false)
    expect(tlsFor(here, { verify: 'full' })).toMatchObject({ rejectUnauthorized: true })
  })

  it('is left out, or left unverified, only where the URL says so', () => {
    expect(tlsFor(away, { verify: 'off' })).toBe(false)
    expect(tlsFor(away, { verify: 'none' })).toMatchObject({ rejectUnauthorized: false })
  })

  it('with a real server checks the certificate and the name in it', async () => {
    const tls = makeTestTls()
    const folder = mkdtempSync(join(tmpdir(), 'purser-dial-'))
    chmodSync(folder, 0o755)
    await using server = await startPostgres()
    const { uid, gid } = statSync(server.place.folder)
    for (const name of ['cert', 'key', 'ca'] as const) {
      const file = join(folder, `${name}.pem`)
      writeFileSync(file, tls[name], { mode: 0o600 })
      chownSync(file, uid, gid)
    }
    const [cert, key, ca] = ['cert', 'key', 'ca'].map((name) => join(folder, `${name}.pem`))
    await server.restart({ ssl: 'on', ssl_cert_file: `${cert}`, ssl_key_file: `${key}` })
    const trusting = `sslmode=verify-full&sslrootcert=${ca}`
    const encrypted = async (url: string) => {
      const connection = await connectionTo(url)
      const [row] = await connection.sql.unsafe('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
      await connection.close()
      return row?.ssl
    }
    expect(await encrypted(`${server.url()}?${trusting}`)).toBe(true)
    expect(await encrypted(`${server.url()}?sslmode=no-verify`)).toBe(true)
    await expect(connectionTo(`${server.url()}?sslmode=verify-full`)).rejects.toThrow(/certificate/)
    const otherName = server.url().replace('127.0.0.1', '127.0.0.2')
    await server.restart({ listen_addresses: '127.0.0.1,127.0.0.2' })
    await expect(connectionTo(`${otherName}?${trusting}`)).rejects.toThrow(/does not match certificate/)
    expect(await encrypted(`${otherName}?sslmode=verify-ca&sslrootcert=${ca}`)).toBe(true)
    rmSync(folder, { recursive: true })
  })
})

describe('dialling', () => {
  it('reaches a server by its socket in a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-dial-'))
    const server = createServer((socket) => socket.end('hello'))
    const listening = Promise.withResolvers<void>()
    server.listen(join(folder, '.s.PGSQL.5432'), listening.resolve)
    await listening.promise
    const socket = await dial({ name: folder, port: 5432 })
    const heard = Promise.withResolvers<string>()
    socket.setEncoding('utf8').once('data', heard.resolve)
    expect(await heard.promise).toBe('hello')
    socket.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('fails with the reason where nobody listens', async () => {
    await expect(dial({ name: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
