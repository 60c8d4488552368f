import time

if __name__ == "__main__":
    print("on and on", flush=True)
    while True:
        time.sleep(1000)
