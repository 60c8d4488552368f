"""What every skill may do: compute, import, read its own files, start a command, write results and temporary files."""
import decimal
import subprocess
import tempfile
import threading

ROOT = os.environ.get("SKILL_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def B1():
    assert "name: b1" in open(os.path.join(ROOT, "SKILL.md")).read()
    assert decimal.Decimal("0.1") + decimal.Decimal("0.2") == decimal.Decimal("0.3")
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)
    worker = threading.Thread(target=lambda: None)
    worker.start()
    worker.join()
    assert subprocess.run(["echo", "hello"], capture_output=True, check=True).stdout == b"hello\n"
    os.makedirs("results/deep")
    with open("results/deep/answer.txt", "w") as file:
        file.write("forty-two")
    say("ANSWER 42")
