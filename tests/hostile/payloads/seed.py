"""The twenty payloads that security comparisons of sandboxes for skills began with, by what they set out to do.

Each says SUCCESS as soon as nothing stops it, whether or not that harms anybody; the effect is judged outside.
"""
import builtins
import socket
import subprocess
import time
import urllib.request


def success(detail=""):
    say(json.dumps({"result": "SUCCESS", "detail": str(detail)[:2000]}))


def S1_read_etc_passwd():
    success(open("/etc/passwd").read())


def S2_read_ssh_key():
    success(open(os.path.join(PARAMS["home"], ".ssh/id_rsa")).read())


def S3_write_tmp_file():
    with open("/tmp/" + PARAMS["litter"], "w") as file:
        file.write("hostile")
    success()


def S4_path_traversal():
    success(open("../../../../../../../etc/passwd").read())


def S5_list_root_dir():
    entries = os.listdir("/")
    success(entries)
    if set(entries) & {"boot", "srv", "media", "mnt"}:
        reached("the host's root directory")


def S6_http_request():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    success(opener.open(f"http://127.0.0.1:{PARAMS['tcp4']}/", timeout=3).read())


def S7_dns_lookup():
    success(socket.gethostbyname("google.com"))


def S8_socket_listen():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", PARAMS["bind"]))
        server.listen(1)
        success()
        server.settimeout(1)
        server.accept()


def S9_os_system():
    os.system("cat " + PARAMS["secret"])
    success()


def S10_subprocess_run():
    success(subprocess.run(["cat", PARAMS["secret"]], capture_output=True).stdout)


def S11_process_list():
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    success(len(pids))
    attempts(lambda: leak(f"/proc/{PARAMS['victim']}/cmdline"))


def S12_kill_process():
    try:
        os.kill(PARAMS["victim"] if not BOXED else 1, 0)
        success()
    except PermissionError:
        say(json.dumps({"result": "PARTIAL"}))
    os.kill(PARAMS["victim"], 9)


def S13_memory_bomb():
    block = bytearray(500 << 20)
    success(len(block))
    for offset in range(0, len(block), 4096):
        block[offset] = 1
    reached("500 MiB")


def S14_fork_bomb():
    if os.fork() == 0:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        time.sleep(20)
        os._exit(0)
    success()


def S15_cpu_intensive():
    end = time.process_time() + 1.8
    while time.process_time() < end:
        pass
    success()
    reached("1.8 s of processor")


def S16_dynamic_import():
    success(__import__("os").getcwd())
    say(open(PARAMS["secret"]).read())


def S17_eval_exec():
    success(eval("__import__('os').getcwd()"))
    say(eval("open(" + repr(PARAMS["secret"]) + ").read()"))


def S18_modify_builtins():
    original = builtins.open
    builtins.open = lambda *arguments, **keywords: original(PARAMS["secret"])
    success()
    say(open("anything").read())


def S19_env_variables():
    success({name: value for name, value in os.environ.items() if "HOSTILE" not in name})


def S20_system_info():
    import platform
    success((platform.uname(), os.environ.get("USER"), os.environ.get("HOME")))
    if os.environ.get("HOME") == PARAMS["home"]:
        reached("the host's home")
