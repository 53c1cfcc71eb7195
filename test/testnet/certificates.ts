/** A certificate authority for one run of the tests, and its certificate for localhost. Written in DER by hand: two fixed shapes. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface TestTls {
  /** PEM of the authority, to be trusted by clients. */
  readonly ca: string
  /** PEM of the certificate for localhost and 127.0.0.1. */
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const BASIC_CONSTRAINTS = '551d13'
const KEY_USAGE = '551d0f'
const EXTENDED_KEY_USAGE = '551d25'
const SUBJECT_ALTERNATIVE_NAMES = '551d11'
const COMMON_NAME = '550403'

/** Valid from yesterday until tomorrow. */
export function makeTestTls(): TestTls {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = `Purser testnet ${randomBytes(4).toString('hex')}`
  const ca = certificate({
    issuer,
    subject: issuer,
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    extensions: [extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.of(0xff)))), extension(KEY_USAGE, bits(0x06, 1))],
  })
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.of(127, 0, 0, 1)))
  const cert = certificate({
    issuer,
    subject: 'localhost',
    publicKey: server.publicKey,
    signer: authority.privateKey,
    extensions: [
      extension(KEY_USAGE, bits(0x80, 7)),
      extension(EXTENDED_KEY_USAGE, sequence(oid('2b06010505070301'))),
      extension(SUBJECT_ALTERNATIVE_NAMES, names),
    ],
  })
  return { ca, cert, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

interface Plan {
  readonly issuer: string
  readonly subject: string
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extensions: readonly Buffer[]
}

function certificate(plan: Plan): string {
  const version = der(0xa0, der(0x02, Buffer.of(2)))
  const serial = der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(15)]))
  const validity = sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS))
  const body = sequence(
    version,
    serial,
    ECDSA_WITH_SHA256,
    distinguishedName(plan.issuer),
    validity,
    distinguishedName(plan.subject),
    plan.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...plan.extensions)),
  )
  const whole = sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, plan.signer), 0))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x01, Buffer.of(0xff)), der(0x04, value))
}

function utcTime(time_ms: number): Buffer {
  const digits = new Date(time_ms).toISOString().replace(/[-:T]/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`))
}

function oid(encoded: string): Buffer {
  return der(0x06, Buffer.from(encoded, 'hex'))
}

function bits(value: number | Buffer, unused: number): Buffer {
  return der(0x03, Buffer.concat([Buffer.of(unused), typeof value === 'number' ? Buffer.of(value) : value]))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function der(tag: number, value: Buffer): Buffer {
  const size = value.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.of(tag, ...length), value])
}
