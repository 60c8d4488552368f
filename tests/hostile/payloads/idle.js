// Does nothing: the variable that it is started with does, or does not.
console.log("BEGIN", process.env.HOSTILE_CASE);
console.log("END", process.env.HOSTILE_CASE);
