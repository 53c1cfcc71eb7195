#!/usr/bin/env node
/** The process: arguments in, exit code out. Nothing modern is loaded before this Node is known to be new enough. */
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

const OLDEST_NODE = 24
/** From this V8 on it is so by default, and the flag is gone. */
const COUNTS_LIVING_BUFFERS = 14.8

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `purser needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  // What one start compiles, the next ones read, in a folder that only who installs can write; elsewhere nothing is kept.
  module.enableCompileCache(fileURLToPath(new URL('../.compiled', import.meta.url)))
  // Else the whole heap is looked through for every 64 MB that went through its buffers, although they are long free.
  if (Number.parseFloat(process.versions.v8) < COUNTS_LIVING_BUFFERS) v8.setFlagsFromString('--external-memory-accounted-in-global-limit')
  // The installed program is a bundle: with its maps a stack trace names our sources.
  process.setSourceMapsEnabled(true)
  const exit = (code: number) => process.exit(code)
  if (process.argv[2] === 'worker') await (await import('./worker.ts')).runWorker(exit)
  else if (process.argv[2] === 'signer') await (await import('./signer.ts')).runSigner(exit)
  else await (await import('./cli/process-terminal.ts')).runOnThisProcess(exit)
}
