// Node's ways: its own sockets, threads, modules and children.
const fs = require("fs");
const net = require("net");
const child = require("child_process");
const parameters = JSON.parse(process.env.HOSTILE_PARAMS);
const name = process.env.HOSTILE_CASE;
const say = (...words) => fs.writeSync(1, words.join(" ") + "\n");
const attempt = (action) => {
  try {
    action();
  } catch (error) {
    say("REFUSED", error.message);
  }
};

const cases = {
  FJ(done) {
    attempt(() => say(fs.readFileSync(parameters.secret, "utf8")));
    attempt(() => fs.writeFileSync(parameters.stage + "/untouched.txt", "hostile"));
    attempt(() => say(fs.readFileSync("/proc/" + process.ppid + "/environ", "utf8")));
    done();
  },
  NJ(done) {
    const socket = net.connect(parameters.tcp4, "127.0.0.1");
    socket.on("data", (data) => say("HEARD", data));
    socket.on("error", (error) => say("REFUSED", error.message));
    socket.on("close", done);
  },
  PJ(done) {
    attempt(() => say(child.execSync("cat " + parameters.secret)));
    attempt(() => process.kill(parameters.victim, "SIGKILL"));
    attempt(() => child.spawn("sleep", ["30"], { detached: true, stdio: "ignore" }).unref());
    done();
  },
};

say("BEGIN", name);
cases[name](() => say("END", name));
