import { describe, expect, it } from 'vitest'
import { childEnvironment, proxyVariables, secretNames, trustVariables } from '../../src/cli/child-environment.ts'

const way = { proxyUrl: 'http://ses_1:pst_1@127.0.0.1:4020', caFile: '/data/ca.pem', bundleFile: '/data/ca-bundle.pem', direct: '' }

describe('child environment', () => {
  it('sets the proxy in every spelling that tools read, and makes Node follow it', () => {
    expect(proxyVariables(way)).toMatchObject({
      HTTP_PROXY: way.proxyUrl,
      HTTPS_PROXY: way.proxyUrl,
      ALL_PROXY: way.proxyUrl,
      http_proxy: way.proxyUrl,
      https_proxy: way.proxyUrl,
      all_proxy: way.proxyUrl,
      PURSER_PROXY: way.proxyUrl,
      NODE_USE_ENV_PROXY: '1',
    })
  })

  it('Node adds the authority to its roots; tools whose variable replaces the roots get the whole bundle', () => {
    expect(trustVariables(way)).toEqual({
      NODE_EXTRA_CA_CERTS: '/data/ca.pem',
      SSL_CERT_FILE: '/data/ca-bundle.pem',
      REQUESTS_CA_BUNDLE: '/data/ca-bundle.pem',
      CURL_CA_BUNDLE: '/data/ca-bundle.pem',
      GIT_SSL_CAINFO: '/data/ca-bundle.pem',
      DENO_CERT: '/data/ca-bundle.pem',
    })
  })

  it('without an authority no trust variable is set', () => {
    expect(trustVariables({ caFile: undefined, bundleFile: undefined })).toEqual({})
  })

  it('nothing inherited goes around the proxy', () => {
    const env = childEnvironment({ NO_PROXY: '*', no_proxy: 'api.example.com', https_proxy: 'http://other:1' }, { way, secretNames: [] })
    expect(env).toMatchObject({ NO_PROXY: '', no_proxy: '', https_proxy: way.proxyUrl })
  })

  it('the operator’s secrets do not reach the command', () => {
    const base = { PATH: '/bin', PURSER_ADMIN_TOKEN: 't', PURSER_CONFIG: 'c', PURSER_ADMIN_URL: 'u', MY_WALLET_KEY: 'k', OTHER: 'o' }
    const env = childEnvironment(base, { way, secretNames: ['MY_WALLET_KEY'] })
    expect(Object.keys(env).filter((name) => name.startsWith('PURSER_'))).toEqual(['PURSER_PROXY'])
    expect(env).not.toHaveProperty('MY_WALLET_KEY')
    expect(env).toMatchObject({ PATH: '/bin', OTHER: 'o' })
  })

  it('finds the variables of the secrets wherever a configuration names them', () => {
    const webhooks = [{ url: 'https://x/', secret: { kind: 'env', name: 'HOOK_2' } }]
    const config = {
      wallet: { kind: 'local', key: { kind: 'env', name: 'MY_WALLET_KEY' } },
      approvals: { webhooks },
      people: null,
      hold_ms: 1,
    }
    expect(secretNames(config)).toEqual(['MY_WALLET_KEY', 'HOOK_2'])
  })
})
