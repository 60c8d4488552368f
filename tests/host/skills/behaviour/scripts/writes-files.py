"""Leaves files of every kind."""
import os

if __name__ == "__main__":
    os.makedirs("deep/er")
    with open("deep/er/file.txt", "w") as file:
        file.write("nested")
    with open("plain.bin", "wb") as file:
        file.write(bytes(range(256)))
    os.symlink("/etc/passwd", "link")
    os.mkfifo("pipe")
    os.mkdir("empty")
