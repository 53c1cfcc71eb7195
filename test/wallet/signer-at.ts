/** Starts the tests' own signer as a process, and ends it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface TestSigner extends AsyncDisposable {
  readonly url: string
}

export async function startTestSigner(key: string): Promise<TestSigner> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'test-signer.ts'), key], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}
