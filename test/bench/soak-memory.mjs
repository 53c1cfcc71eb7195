/** Loaded into the program that is soaked: tells its heap after a collection, when its parent asks over the channel. */
process.on('message', () => {
  globalThis.gc()
  process.send({ heap_bytes: process.memoryUsage().heapUsed })
})
process.channel?.unref()
