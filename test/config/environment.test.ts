import { describe, expect, it, vi } from 'vitest'
import { environment } from '../../src/config/environment.ts'

describe('environment', () => {
  it('is what this process has now, and a copy', () => {
    vi.stubEnv('PURSER_CONFIG', '/etc/purser.yaml')
    const before = environment()
    expect(before.PURSER_CONFIG).toBe('/etc/purser.yaml')
    vi.unstubAllEnvs()
    expect(before.PURSER_CONFIG).toBe('/etc/purser.yaml')
    expect(environment().PURSER_CONFIG).not.toBe('/etc/purser.yaml')
  })
})
