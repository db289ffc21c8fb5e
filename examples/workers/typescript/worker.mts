// A worker of Taskmill on what Node has: it polls, gives signs of life, tells the end.

declare const process: {
  env: Record<string, string | undefined>;
  on(signal: string, then: () => void): void;
};

type Offer = { taskId: string; attempt: number; receipt: string };
type Task = { executionId: string; input: { text: string }; timeouts: { heartbeat: number } };

const url = `${process.env.TASKMILL_API_URL}/v1/workers/words`;
const workerId = `typescript-${crypto.randomUUID()}`;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
let stopping = false;
process.on("SIGTERM", () => (stopping = true));
async function ask<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(`${url}/${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${process.env.TASKMILL_TOKEN}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function work(task: Task): Promise<object> {
  const words = task.input.text.split(/\s+/).filter(Boolean);
  for (const _ of words) await pause(1000 * Number(process.env.SECONDS_A_WORD ?? 0));
  return { words: words.length, by: workerId };
}

async function attempt({ taskId, attempt, receipt }: Offer): Promise<void> {
  const path = `tasks/${taskId}`;
  const { task } = await ask<{ task: Task }>(`${path}/start`, { attempt, workerId, receipt });
  const own = { executionId: task.executionId, workerId };
  // A 409 says that the attempt is not wanted any more.
  const beats = setInterval(() => {
    ask(`${path}/heartbeat`, own).catch((error) => console.log("not heard:", error.message));
  }, task.timeouts.heartbeat / 3);
  try {
    await ask(`${path}/complete`, { ...own, output: await work(task) });
  } finally {
    clearInterval(beats);
  }
}

while (!stopping) {
  try {
    const { tasks } = await ask<{ tasks: Offer[] }>("poll", { maxTasks: 1, waitSeconds: 5 });
    for (const offer of tasks) await attempt(offer);
  } catch (error) {
    // Refused, or no answer: what was offered is offered again.
    console.log(String(error));
    await pause(1000);
  }
}

export {};
