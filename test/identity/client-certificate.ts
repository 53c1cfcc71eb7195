/** Client certificates of workloads, as a mesh's authority makes them: the name stands in a URI, and nothing in the common name counts. */
import '../../src/proxy/reflect.ts'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** PEM of an authority, and of the certificate and key of one workload under it. */
export interface ClientCertificate {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** @param uri the subject, such as `spiffe://example.org/ns/research/sa/planner` */
export async function clientCertificate(uri: string): Promise<ClientCertificate> {
  const [authority, own] = [
    await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']),
    await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']),
  ]
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: 'CN=workloads', keys: authority, signingAlgorithm: ALGORITHM, ...dates },
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const cert = await x509.X509CertificateGenerator.create({
    ...{ subject: 'CN=planner', issuer: ca.subject, publicKey: own.publicKey, signingKey: authority.privateKey, ...dates },
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])],
  })
  return { ca: ca.toString('pem'), cert: cert.toString('pem'), key: await pem(own.privateKey) }
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key)
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END PRIVATE KEY-----`
}
