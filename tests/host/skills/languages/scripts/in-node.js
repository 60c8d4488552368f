console.log(JSON.stringify({ language: "node", arguments: process.argv.length - 2 }));
