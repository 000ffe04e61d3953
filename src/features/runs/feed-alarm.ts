/** Sees to it that the object's alarm rings at `at` or earlier. One that is overdue has been lost. */
export async function wakeBy(storage: DurableObjectStorage, at: number): Promise<void> {
  if (at === Infinity) return;
  const current = await storage.getAlarm();
  if (current === null || current > at || current < Date.now()) await storage.setAlarm(at);
}
