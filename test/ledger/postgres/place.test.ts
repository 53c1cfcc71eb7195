import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PurserError } from '../../../src/errors.ts'
import { isLocal, readPlace } from '../../../src/ledger/postgres/place.ts'

describe('a ledger’s URL', () => {
  it('names host, database and user, and means PostgreSQL’s own port where it names none', () => {
    expect(readPlace('postgres://purser@db.example/ledger')).toMatchObject({
      hosts: [{ name: 'db.example', port: 5432 }],
      database: 'ledger',
      user: 'purser',
    })
  })

  it('names several hosts, each with its port, addresses of version 6 in brackets', () => {
    const { hosts } = readPlace('postgresql://purser@a:1,[::1]:2,c/ledger?target_session_attrs=primary')
    expect(hosts).toEqual([
      { name: 'a', port: 1 },
      { name: '::1', port: 2 },
      { name: 'c', port: 5432 },
    ])
  })

  it('names a socket’s folder by its parameter host', () => {
    expect(readPlace('postgres://purser@/ledger?host=/run/postgresql').hosts).toEqual([{ name: '/run/postgresql', port: 5432 }])
  })

  it('has its percent signs decoded', () => {
    expect(readPlace('postgres://a%40b@db/my%20ledger')).toMatchObject({ user: 'a@b', database: 'my ledger' })
  })

  it.each([
    ['postgres://purser:hunter2@db/ledger', 'contains a password'],
    ['mysql://purser@db/ledger', 'not of the form'],
    ['postgres://db/ledger', 'names no user'],
    ['postgres://purser@db:99999/ledger', 'hosts cannot be read'],
    ['postgres://purser@db/ledger?sslmode=prefer', 'sslmode has to be one of'],
    ['postgres://purser@db/ledger?options=-csearch_path=x', 'parameter options is not known'],
    ['postgres://purser@db/ledger?target_session_attrs=standby', 'has to be written'],
    ['postgres://purser@db/ledger?sslrootcert=/does/not/exist', 'cannot be read'],
    ['postgres://%zz@db/ledger', 'broken percent sign'],
  ])('%s is refused with the reason and without the URL', (url, reason) => {
    const read = () => readPlace(url)
    expect(read).toThrow(reason)
    expect(read).not.toThrow('hunter2')
  })

  it('lets only typed errors out, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `postgres://u@${text}`),
        ),
        (text) => {
          try {
            readPlace(text)
          } catch (cause) {
            expect(cause).toBeInstanceOf(PurserError)
          }
        },
      ),
    )
  })
})

describe('how the server is verified', () => {
  it.each([
    ['', 'default'],
    ['?sslmode=disable', 'off'],
    ['?sslmode=no-verify', 'none'],
    ['?sslmode=require', 'full'],
    ['?sslmode=verify-ca', 'chain'],
    ['?sslmode=verify-full&sslrootcert=system', 'full'],
  ])('%s means %s', (query, verify) => {
    expect(readPlace(`postgres://u@db/l${query}`).tls).toEqual({ verify })
  })

  it('takes the files that it names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-place-'))
    writeFileSync(join(folder, 'ca.pem'), 'roots')
    expect(readPlace(`postgres://u@db/l?sslrootcert=${folder}/ca.pem`).tls).toEqual({ verify: 'default', ca: 'roots' })
    rmSync(folder, { recursive: true })
  })

  it.each([
    ['postgres://u@db/l?sslmode=disable', ['in the clear']],
    ['postgres://u@db/l?sslmode=no-verify', ['can pose as it']],
    ['postgres://u@127.0.0.1,localhost/l?sslmode=disable', []],
    ['postgres://u@db/l', []],
  ])('%s warns of what is dangerous', (url, words) => {
    const { warnings } = readPlace(url)
    expect(warnings).toEqual(words.map((word) => expect.stringContaining(word)))
  })

  it.each([
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['/run/postgresql', true],
    ['127.evil.example', false],
    ['10.0.0.1', false],
  ])('%s is this machine: %s', (name, local) => {
    expect(isLocal({ name, port: 1 })).toBe(local)
  })
})
